// The guards that keep the books right, and what is asked for below its ceilings: each taken away.
import { type Mutant, statement } from './mutant.ts'

export const spendingMutants: readonly Mutant[] = [
  statement(
    'released-twice',
    'an attempt that created nothing gives back its step, which goes on and is given back again',
    ["reserved_micros = case t.status when 'processing' then t.reserved_micros else 0 end", 'reserved_micros = 0'],
  ),
  statement('redo-not-counted', 'a redo reserves nothing', [
    'reserved_micros = price_from(mine.priced, greatest(mine.current_step, 1))',
    'reserved_micros = mine.reserved_micros',
  ]),
  statement('ceiling-read-earlier', 'who finds something left may ask for more than that', [
    'ceiling_micros = coalesce(excluded.ceiling_micros, case when',
    'ceiling_micros = coalesce(case when s.spent_micros < excluded.ceiling_micros then ' +
      'greatest(excluded.ceiling_micros, s.spent_micros + excluded.spent_micros) else excluded.ceiling_micros end, case when',
  ]),
  statement('refund-on-late-create', 'what is created after its attempt was given up stays refunded', [
    /when not is_paid_ahead\(o\.steps, o\.strays, o\.step, o\.attempt\) then 'double' end/,
    'end',
  ]),
  statement('measured-cancel-not-booked', 'what was canceled while it ran stays booked as expected', [
    'where told.over and told.cost is not null',
    'where false',
  ]),
]
