// Ways in which a connection goes wrong, as values: a simulated provider throws or returns them, and the HTTP server, or a simulation
// without sockets, turns them into a broken connection.

/** The connection broke: before the request had an effect, after it, or in the middle of the answer. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault'
  readonly when: 'before' | 'after' | 'midway'

  constructor(when: 'before' | 'after' | 'midway') {
    super(`connection reset ${when === 'midway' ? 'in the middle of the answer' : `${when} the request took effect`}`)
    this.when = when
  }
}

/** Never answers; rejects with the client's reason when it gives up. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** A body that breaks off halfway, though its length was promised in full. */
export function brokenBody(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let begun = false
  return new ReadableStream(
    {
      pull(controller) {
        if (begun) controller.error(new ConnectionFault('midway'))
        else controller.enqueue(bytes.subarray(0, Math.ceil(bytes.length / 2)))
        begun = true
      },
    },
    { highWaterMark: 0 },
  )
}

/** A body that never ends; it is made only as fast as it is read. */
export function endlessBody(start: Uint8Array): ReadableStream<Uint8Array> {
  let begun = false
  const filler = new Uint8Array(64 * 1024)
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(begun ? filler : start)
        begun = true
      },
    },
    { highWaterMark: 0 },
  )
}
