// The arithmetic of all figures: medians, quantiles, and how long something takes.

export interface Figure {
  median: number
  least: number
  most: number
}

export const figureOf = (values: readonly number[]): Figure => ({
  median: median(values),
  least: quantile(values, 0),
  most: quantile(values, 1),
})

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Between the two nearest. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/** In milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
