// Figures with their limits: printed as they are found, and remembered if one is missed.

export interface Judge {
  /** Prints a figure that has to be within a limit. */
  most(what: string, value: number, limit: number, unit?: string): void
  /** Prints what has no limit. */
  tell(what: string, value: string | number): void
  /** Whether every figure so far is within its limit. */
  isContent(): boolean
}

export function openJudge(): Judge {
  let missed = 0
  return {
    most: (what, value, limit, unit = '') => {
      const isWithin = value <= limit
      if (!isWithin) missed += 1
      line(what, `${round(value)}${unit}`, `${isWithin ? 'within' : 'MISSED:'} ${limit}${unit}`)
    },
    tell: (what, value) => line(what, typeof value === 'number' ? String(round(value)) : value),
    isContent: () => missed === 0,
  }
}

function line(what: string, value: string, limit = ''): void {
  console.log(`  ${what.padEnd(64)} ${value.padStart(12)}  ${limit}`.trimEnd())
}

const round = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(3)))
