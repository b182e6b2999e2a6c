// Writes instants, durations, sizes and tables for people. The commands and the doctor print with it.

const units: [number, string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** In the largest unit that fits twice, or seconds: "90 s", "5 min", "3 h". */
export function duration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, 's']
  return `${Math.floor(seconds / size)} ${unit}`
}

/** "in 5 min", "5 min ago". */
export function distance(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime()
  if (Math.abs(ms) < 1000) return 'now'
  return ms > 0 ? `in ${duration(ms)}` : `${duration(ms)} ago`
}

/** "0.4 MB", "312 MB". */
export function megabytes(bytes: number): string {
  const size = bytes / 1_000_000
  return `${size.toFixed(size < 10 ? 1 : 0)} MB`
}

export const instant = (at: Date): string => at.toISOString().replace('T', ' ').slice(0, 19)

/** Ends it with a full stop, where somebody else's words do not. */
export const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`)

/** Aligned columns under their heads. Line breaks in a cell would break the table, and become spaces. */
export function table(heads: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [heads, ...rows.map((row) => row.map((cell) => String(cell ?? '').replaceAll(/\s+/g, ' ')))]
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
