// The guards of erasing: each taken away.
import { type Mutant, statement } from './mutant.ts'

export const erasingMutants: readonly Mutant[] = [
  statement('erasure-forgotten-on-crash', 'a deletion does not note what is still to go', [
    'from judged t order by t.id on conflict (id) do nothing)',
    'from judged t where false order by t.id on conflict (id) do nothing)',
  ]),
  statement('erased-task-returns', 'a note is struck out while somebody may still be writing', [
    'e.quiet_at <= told.read_at as is_quiet',
    "e.quiet_at <= told.read_at + interval '1 day' as is_quiet",
  ]),
  statement('late-report-revives', 'what a report copies for a task that is gone stays', [
    /where not exists \(select from tasks where id = (\$\d+)::uuid and user_id/,
    'where false and not exists (select from tasks where id = $1::uuid and user_id',
  ]),
  statement('stub-left-behind', 'what is left of a task stays when its provider has ended', [
    'select id from target where stands and is_over',
    'select id from target where stands and is_over and false',
  ]),
]
