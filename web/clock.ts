// Durations and instants in a person's words.
import { useEffect, useState } from 'preact/hooks'
import type { Words } from './words/shape.ts'

/** The present, every second, while `isRunning`. */
export function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isRunning) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
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
  const seconds = (Date.now() - Date.parse(instant)) / 1000
  if (seconds > 7 * 86_400)
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(Date.parse(instant))
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const [unit, size] = units.find(([, unitSeconds]) => seconds >= unitSeconds) ?? (['second', seconds] as const)
  return format.format(unit === 'second' ? 0 : -Math.floor(seconds / size), unit)
}
