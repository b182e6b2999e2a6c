// The operator's commands about money: what was spent, and the switch that stops spending for all instances at once. cli/tasks.ts calls them.
import { dollarsOf } from '../core/price.ts'
import { switchSpending } from '../db/statements/pauses.ts'
import { readSpending, readSpent } from '../db/statements/usage.ts'
import type { Of } from './arguments.ts'
import { withDatabase } from './open.ts'
import { table } from './words.ts'

export async function spend({ by, isJson }: Of<'spend'>): Promise<string> {
  return withDatabase(async ({ db, config }) => {
    const [lines, { all, stopped }] = await Promise.all([readSpending(db, { by }), readSpent(db, { user_id: '' })])
    const { BUDGET_PER_DAY: ceiling } = config
    const document = { by, lines, today: { spent_micros: all, limit_micros: ceiling }, spending: wordFor(stopped) }
    if (isJson) return JSON.stringify(document, null, 2)
    const today = `${dollarsOf(all)} of ${ceiling === null ? 'no limit' : dollarsOf(ceiling)} are spent or reserved today.`
    const state = stopped ? ['Spending is stopped: nothing new begins. "allow-spending" ends that.'] : []
    const rows = lines.map(({ name, paid_micros, reserved_micros }) => [
      ...[name, dollarsOf(paid_micros), dollarsOf(reserved_micros)],
    ])
    const shown = rows.length > 0 ? [table([by, 'paid', 'reserved'], rows)] : ['Nothing was spent in thirty days.']
    return [...shown, [today, ...state].join('\n')].join('\n\n')
  })
}

export const stopSpending = ({ isJson }: Of<'stop-spending'>): Promise<string> =>
  turn(
    true,
    isJson,
    'Spending is stopped: no task starts and no step begins, anywhere. What runs is finished and stored.',
  )

export const allowSpending = ({ isJson }: Of<'allow-spending'>): Promise<string> =>
  turn(false, isJson, 'Spending is allowed again: what waits goes on with the next pass.')

function turn(isStopped: boolean, isJson: boolean, says: string): Promise<string> {
  return withDatabase(async ({ db }) => {
    await switchSpending(db, { isStopped, by: 'operator' })
    return isJson ? JSON.stringify({ spending: wordFor(isStopped) }, null, 2) : says
  })
}

const wordFor = (isStopped: boolean) => (isStopped ? 'stopped' : 'allowed')
