// One cold start: a fresh process loads a packed function by Netlify's own bootstrap, as the platform does, and answers one request.
// bench/cold.ts starts it, with what to call as JSON; it prints what that took. Not TypeScript, so that nothing else is loaded before.
import { once } from 'node:events'
import { Writable } from 'node:stream'

const { folder, url, method = 'GET', headers = {}, body = '' } = JSON.parse(process.argv[2] ?? '{}')
const started = performance.now()
const before = process.cpuUsage()

// What the platform's runtime gives to the bootstrap: where the head of an answer goes.
let status = 0
globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: {
    from: (stream, head) => {
      status = head.statusCode
      return stream
    },
  },
}
const { handler } = await import(`${folder}/___netlify-entry-point.mjs`)
const chunks = []
const stream = new Writable({
  write: (chunk, _encoding, done) => {
    chunks.push(chunk)
    done()
  },
})
const finished = once(stream, 'finish')
const { pathname } = new URL(url)
const event = { rawUrl: url, httpMethod: method, path: pathname, route: pathname, headers, flags: {} }
const encoded = { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
const running = handler({ ...event, ...encoded }, stream, { awsRequestId: '0', getRemainingTimeInMillis: () => 60_000 })
await finished
const ms = performance.now() - started
const { user, system } = process.cpuUsage(before)
await running
const text = Buffer.concat(chunks).toString()
process.stdout.write(`\n${JSON.stringify({ status, ms, cpuMs: (user + system) / 1000, text })}`, () => process.exit(0))
