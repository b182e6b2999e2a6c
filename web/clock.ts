// Durations and instants in a person's words, by the server's clock: a device's may be hours wrong.
import { useEffect, useState } from 'preact/hooks'
import type { Words } from './words/en.ts'

/** How far the server's clock is ahead of this device's. */
let aheadMs = 0
/** A Date header has whole seconds, and was some time on its way. */
const exactMs = 2_000

/** Told of each answer that has come from the server just now. */
export function hearClock(response: Response): void {
  const ahead = Date.parse(response.headers.get('date') ?? '') - Date.now()
  if (Math.abs(ahead - aheadMs) > exactMs) aheadMs = ahead
}

const present = (): number => Date.now() + aheadMs

/** The present, every second, while `isRunning`. */
export function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(present)
  useEffect(() => {
    if (!isRunning) return
    setNow(present())
    const timer = setInterval(() => setNow(present()), 1_000)
    return () => clearInterval(timer)
  }, [isRunning])
  return now
}

export function inWords(seconds: number, words: Words): string {
  if (seconds < 60 || (seconds < 100 && seconds % 60 > 0)) return words.time.seconds(Math.round(seconds))
  if (seconds < 5_400) return words.time.minutes(Math.round(seconds / 60))
  return words.time.hours(Math.round(seconds / 3_600))
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** "5 minutes ago"; older than a week, the date. */
export function agoInWords(instant: string, language: string): string {
  const seconds = (present() - Date.parse(instant)) / 1000
  if (seconds > 7 * 86_400)
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(Date.parse(instant))
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const [unit, size] = units.find(([, unitSeconds]) => seconds >= unitSeconds) ?? (['second', seconds] as const)
  return format.format(unit === 'second' ? 0 : -Math.floor(seconds / size), unit)
}
