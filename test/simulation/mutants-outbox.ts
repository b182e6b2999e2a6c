// The guards around telling: each taken away.
import { type Mutant, statement } from './mutant.ts'
import { receiverUrl } from './weather.ts'

export const tellingMutants: readonly Mutant[] = [
  {
    name: 'told-before-moved',
    without: 'a result is told when it is copied, before the statement that shows it',
    change: (deps) => ({
      ...deps,
      files: {
        ...deps.files,
        copy: async (key, ...given) => {
          const copied = await deps.files.copy(key, ...given)
          const [, task_id = '', step] = key.split('/')
          const task = { task_id, status: 'waiting_continue' }
          const message = { id: `early ${task_id} ${step}`, type: 'task.waiting', at: deps.now?.().toISOString(), task }
          if (copied && deps.config.NOTIFY_URL) {
            const request = { method: 'POST', url: receiverUrl, body: message, timeoutMs: 10_000 } as const
            await deps.http.send(request).catch(() => undefined)
          }
          return copied
        },
      },
    }),
  },
  statement('outbox-forgotten-on-crash', 'passes deliver only what they have moved themselves', [
    /\(select min\(due_at\) from outbox where due_at is not null\) <= (coalesce\(\$\d+::timestamptz, now\(\)\)) as are_events_due/,
    '$1 is null as are_events_due',
  ]),
  statement('order-broken', 'the next event of a task does not wait for the one before', [
    /and not exists \(select from outbox earlier where earlier\.task_id = o\.task_id and earlier\.receiver = o\.receiver\s+and earlier\.seq < o\.seq and earlier\.due_at is not null\)/,
    '',
  ]),
]
