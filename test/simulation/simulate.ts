// npm run simulate

import { mkdtempSync } from 'node:fs'
import pg from 'pg'
import { migrate } from '../../db/migrate.ts'
import { startPostgres } from '../../dev/postgres.ts'
import { mutants } from './mutants.ts'
import { runSeed } from './run.ts'

const dir = mkdtempSync('/tmp/sim-')
const postgres = await startPostgres({ dataDir: dir + '/pg', settings: { fsync: 'off' } })
await migrate(postgres.url)
const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
const first = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 20)
if (process.argv[4] === 'all') {
  for (const m of mutants) {
    const t = Date.now()
    let hit = ''
    let s = first
    for (; s < first + n && !hit; s++) {
      const o = await runSeed(s, pool, m)
      hit = o.broken[0] ?? ''
    }
    console.log(m.name.padEnd(28), hit ? `seed ${s - 1}` : 'SURVIVES', hit, Date.now() - t)
  }
} else {
  let bad = 0
  const mutant = mutants.find((m) => m.name === process.argv[4])
  const t = Date.now()
  let ev = 0,
    cr = 0
  for (let s = first; s < first + n; s++) {
    const o = await runSeed(s, pool, mutant)
    ev += o.events
    cr += o.created
    if (o.broken.length) {
      bad++
      console.log('seed', s, o.broken)
      if (n === 1) console.log(o.trace.join('\n'))
    }
  }
  console.log({ n, bad, ev, cr, ms: Date.now() - t })
}
await pool.end()
await postgres.stop()
process.exit(0)
