// Imports modules one after another in a process of their own and prints what each did beside: variables of the environment that our code
// read, what keeps the process alive, what it put into the global object. Not TypeScript, so that nothing else is loaded before.
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
const listening = (name) => process.listenerCount(name)
const events = ['exit', 'SIGINT', 'SIGTERM', 'uncaughtException', 'unhandledRejection']
/** Standard output, and files that are being read. */
const isUsual = (name) => ['PipeWrap', 'TTYWrap', 'FSReqCallback', 'FSReqPromise'].includes(name)

async function importOne(file) {
  read.clear()
  const globals = new Set(Object.getOwnPropertyNames(globalThis))
  const before = events.map(listening)
  await import(new URL(file, root).href)
  // zod keeps its settings there, for all of its copies; they are looked at below.
  const added = Object.getOwnPropertyNames(globalThis).filter((name) => !globals.has(name) && !name.startsWith('__zod'))
  const opened = process.getActiveResourcesInfo().filter((name) => !isUsual(name))
  const zod = await import('zod')
  return {
    environment: [...read],
    opened,
    globals: added,
    listeners: events.filter((name, index) => listening(name) !== before[index]),
    settings: zod.config().jitless ? ['zod jitless'] : [],
  }
}

const done = []
for (const file of process.argv.slice(2)) done.push([file, await importOne(file)])
process.stdout.write(JSON.stringify(done))
