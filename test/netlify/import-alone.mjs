// Imports one module in a process of its own and prints what that did beside: variables of the environment that our code read, what
// keeps the process alive, what it put into the global object. Not TypeScript, so that nothing else is loaded before.
const root = new URL('../../', import.meta.url).href
const read = new Set()
/** Packages may ask for what concerns them alone, such as NODE_DEBUG, and Node itself does. */
const isOurs = () => {
  const lines = (new Error().stack ?? '').split('\n').filter((line) => line.includes('file://'))
  const reader = lines.find((line) => !line.includes(import.meta.url))
  return reader?.includes(root) && !reader.includes('/node_modules/')
}
const note = (name) => {
  if (isOurs()) read.add(String(name))
  return undefined
}
const empty = {}
process.env = new Proxy(empty, {
  get: (_, name) => note(name),
  has: (_, name) => note(name) ?? false,
  ownKeys: () => {
    note('(all)')
    return []
  },
})
const globals = new Set(Object.getOwnPropertyNames(globalThis))
const listening = (name) => process.listenerCount(name)
const events = ['exit', 'SIGINT', 'SIGTERM', 'uncaughtException', 'unhandledRejection']
const before = events.map(listening)
await import(new URL(process.argv[2], root).href)
// zod keeps its settings there, for all of its copies; they are looked at below.
const added = Object.getOwnPropertyNames(globalThis).filter((name) => !globals.has(name) && !name.startsWith('__zod'))
/** Standard output, and files that are being read. */
const isUsual = (name) => ['PipeWrap', 'TTYWrap', 'FSReqCallback', 'FSReqPromise'].includes(name)
const opened = process.getActiveResourcesInfo().filter((name) => !isUsual(name))
const zod = await import('zod')
process.stdout.write(
  JSON.stringify({
    environment: [...read],
    opened,
    globals: added,
    listeners: events.filter((name, index) => listening(name) !== before[index]),
    settings: zod.config().jitless ? ['zod jitless'] : [],
  }),
)
