// Holds a process at an exact statement, so that it can be killed there: triggers on a table wait for an advisory lock that the test has.
import type { Pool, PoolClient } from 'pg'
import { pause } from './instances.ts'

/** Other files' databases are on the same server. */
const here = '(select oid from pg_database where datname = current_database())'
const waiting = `pg_locks where locktype = 'advisory' and not granted and database = ${here}`
const lock = 7

export interface Hold {
  /** From now on, the next statement on the table but `skipped` waits. */
  arm(skipped?: number): Promise<void>
  isHeld(): Promise<boolean>
  untilHeld(): Promise<void>
  /** The statement that waits is undone, as where its connection broke; the others pass. */
  cut(): Promise<void>
}

/** `events`: what is held, e.g. `insert or update`; `rows` narrows it to some. */
export async function openHold(pool: Pool, table: string, events: string, rows = ''): Promise<Hold> {
  let holder: PoolClient | undefined
  await pool.query(`
    create sequence moments minvalue -1000;
    create function hold() returns trigger language plpgsql as $$ begin
      if nextval('moments') = 0 then perform pg_advisory_xact_lock(${lock}); end if;
      return new;
    end $$;
    create trigger hold before ${events} on ${table} ${rows} execute function hold();`)
  const isHeld = async () => (await pool.query(`select from ${waiting}`)).rowCount === 1
  return {
    arm: async (skipped = 0) => {
      holder = await pool.connect()
      await holder.query(`select pg_advisory_lock(${lock})`)
      await holder.query(`alter sequence moments restart with ${-skipped}`)
    },
    isHeld,
    untilHeld: async () => {
      while (!(await isHeld())) await pause(10)
    },
    cut: async () => {
      await pool.query(`select pg_terminate_backend(pid) from ${waiting}`)
      await holder?.query(`select pg_advisory_unlock(${lock})`)
      holder?.release()
    },
  }
}
