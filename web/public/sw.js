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
  event.waitUntil(open(event.notification.data.task_id))
})

/** The window that shows the task already, or a new one: nothing that somebody is busy with is taken away. */
async function open(taskId) {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const answers = await Promise.all(windows.map((window) => shows(window, taskId)))
  const shown = windows[answers.indexOf(true)]
  return shown ? shown.focus() : self.clients.openWindow(`/#/task/${taskId}`)
}

const patienceMs = 500

/** A window's address here is the one that it was loaded with, so each is asked. One that sleeps doesn't answer. */
function shows(window, taskId) {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data)
    setTimeout(() => resolve(false), patienceMs)
    window.postMessage({ task_id: taskId }, [port2])
  }).finally(() => port1.close())
}
