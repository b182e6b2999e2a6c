// What goes wrong at the simulated Telegram on purpose: the next calls of a method are refused, or taken and never answered.
import { z } from 'zod'

export const telegramFaultSchema = z.strictObject({
  /** A Bot API method, such as `sendPhoto`; any of them where it is left out. */
  method: z.string().optional(),
  /** `429`: asked to wait. `400`: refused for good. `500`: refused. `lost`: done, and the answer is never sent. `repeat`: the next update is delivered twice. */
  fault: z.enum(['400', '429', '500', 'lost', 'repeat']),
  retry_after: z.int().min(1).default(1),
  times: z.int().min(1).max(1_000).default(1),
})

export type TelegramFault = z.input<typeof telegramFaultSchema>
type Waiting = z.output<typeof telegramFaultSchema>

export interface Faults {
  add(faults: readonly TelegramFault[]): void
  /** Takes out the next fault of these kinds that this method meets. */
  take(method: string, kinds: readonly Waiting['fault'][]): Waiting | undefined
}

export function createFaults(): Faults {
  const waiting: Waiting[] = []
  return {
    add: (faults) => void waiting.push(...faults.map((fault) => telegramFaultSchema.parse(fault))),
    take(method, kinds) {
      const found = waiting.find(
        (one) => one.times > 0 && kinds.includes(one.fault) && (one.method === undefined || one.method === method),
      )
      if (found) found.times -= 1
      return found
    },
  }
}
