// Ends a local server on SIGINT or SIGTERM: in order if it can, within seconds in any case. `npm start` and `npm run serve` call it.
import type { Logger } from 'pino'

/** One Ctrl-C arrives more than once: from the terminal, passed on by npm, and sent again by a library's exit hook. */
const echoMs = 1_000
/** Docker kills ten seconds after its signal. What is cut off here is taken up by a later pass. */
const patienceMs = 8_000

export function stopOnSignal(log: Logger, stop: () => Promise<void>): void {
  let first: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    if (first !== undefined) {
      if (performance.now() - first > echoMs) process.exit(1)
      return
    }
    first = performance.now()
    log.info({ signal }, 'stopping')
    setTimeout(() => {
      log.warn({ waited_ms: patienceMs }, 'stopped before every request had its answer')
      process.exit(1)
    }, patienceMs).unref()
    stop().then(
      () => process.exit(0),
      (error) => {
        log.error({ err: error }, 'did not stop in order')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}
