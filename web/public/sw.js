// Shows what is told of a task, and opens it with a tap. It does this and nothing else: it keeps no files and answers no requests.
self.addEventListener('push', (event) => {
  const { title, body, task_id } = event.data.json()
  const shown = self.registration.showNotification(title, {
    body,
    tag: task_id,
    renotify: true,
    icon: '/icon-192.png',
    data: { task_id },
  })
  event.waitUntil(shown)
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open(`#/task/${event.notification.data.task_id}`))
})

/** The window that shows the task already, or a new one: nothing that somebody is busy with is taken away. */
async function open(hash) {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const shown = windows.find(({ url }) => new URL(url).hash === hash)
  return shown ? shown.focus() : self.clients.openWindow(`/${hash}`)
}
