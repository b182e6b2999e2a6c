// A clock that stands still until a test moves it: it rules statements, endpoints and the simulator alike.

export interface TestClock {
  now(): Date
  advance(seconds: number): void
}

export function testClock(start = '2026-03-01T12:00:00.000Z'): TestClock {
  let at = Date.parse(start)
  return {
    now: () => new Date(at),
    advance: (seconds) => {
      at += seconds * 1000
    },
  }
}
