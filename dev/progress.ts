// One line of progress for long commands: how much is done, how fast, and how long it will take. The simulation and the bench show it.
// A terminal gets one line that is written again and again; a file or a CI log gets a plain line now and then.

interface ProgressOptions {
  /** What is counted, in the plural: `schedules`. */
  unit: string
  total: number
  /** Asked whenever a line is due. */
  done: () => number
  stream?: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>
  /** In milliseconds; for tests. */
  now?: () => number
}

interface Progress {
  /** Writes the line that is due, if one is. A timer calls it. */
  show(): void
  /** Erases the line, so that something else can be printed; the next one comes when it is due. */
  clear(): void
  /** Ends the line, so that what follows begins on one of its own. */
  end(): void
}

const terminalMs = 200
/** A log keeps every line. */
const plainMs = 10_000
/** Back to the line's beginning, and what stands there is erased. */
const anew = '\r\u001b[2K'

/** Goes to stderr: stdout is for the outcome. */
export function openProgress(options: ProgressOptions): Progress {
  const { unit, total, done, stream = process.stderr, now = () => performance.now() } = options
  const isTerminal = stream.isTTY === true
  const startedAt = now()
  let shownAt = startedAt
  const show = () => {
    if (now() - shownAt < (isTerminal ? terminalMs : plainMs)) return
    shownAt = now()
    const line = lineOf({ unit, total, done: done(), seconds: (now() - startedAt) / 1000 })
    stream.write(isTerminal ? anew + line : `${line}\n`)
  }
  const timer = setInterval(show, terminalMs).unref()
  const clear = () => {
    if (isTerminal && shownAt > startedAt) stream.write(anew)
  }
  return {
    show,
    clear,
    end: () => {
      clearInterval(timer)
      clear()
    },
  }
}

function lineOf({
  unit,
  total,
  done,
  seconds,
}: {
  unit: string
  total: number
  done: number
  seconds: number
}): string {
  const rate = done / seconds
  const left = rate > 0 ? `, ${spanOf((total - done) / rate)} left` : ''
  return `${done} of ${total} ${unit} (${Math.floor((done / total) * 100)} %), ${rateOf(rate)}${left}`
}

/** What takes longer than a second is counted by the minute. */
const rateOf = (rate: number) =>
  rate > 0 && rate < 1 ? `${(rate * 60).toFixed(1)} a minute` : `${rate.toFixed(1)} a second`

function spanOf(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}
