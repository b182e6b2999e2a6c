// What every write is told: who causes it, with how much memory, and by whose clock; and what its moves are reported to.
// Rooms and passes make one for their work and hand it to every statement, so that no move goes unlogged.
import type { Cause, MoveReport } from '../core/history.ts'
import type { Timed } from '../db/statements/sql.ts'
import { alertFailure } from './alert.ts'
import type { Deps, RoomContext } from './deps.ts'
import { readMemory } from './memory.ts'

export type Causing = Timed & { by: Cause }

/**
 * For one statement: time and memory are read now. Not by accessors: an object that brings its own gets a shape of its own, and V8 keeps
 * that, and with it the request it was made for, until a full collection.
 */
export function causedBy(deps: Deps, by: Cause, context: RoomContext): Causing {
  return {
    by,
    now: deps.now?.(),
    memory: readMemory(),
    onMoved: (moves) => {
      for (const move of moves) {
        logMove(deps, by, move)
        if (move.opens_run) alertFailure(deps, context, move)
      }
    },
  }
}

/** Without the provider's words: they may quote a link. */
function logMove({ log }: Deps, by: Cause, { task, move, step, attempt, was, became, code, ms }: MoveReport): void {
  const state = { task, step, attempt, from: was, to: became, move, by, ms }
  log.info({ ...state, ...(code && { code }), ...readMemory() }, 'moved')
}
