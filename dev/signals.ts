// Ending a local server: the first signal stops it in order, a later second one at once.
import type { Logger } from 'pino'

/** One Ctrl-C arrives more than once: from the terminal, passed on by npm, and sent again by a library's exit hook. */
const echoMs = 1_000

export function stopOnSignal(log: Logger, stop: () => Promise<void>): void {
  let first: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    if (first !== undefined) {
      if (performance.now() - first > echoMs) process.exit(1)
      return
    }
    first = performance.now()
    log.info({ signal }, 'stopping')
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
