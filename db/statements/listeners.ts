// Who hears of a user's tasks in a browser: push subscriptions, written by the push endpoint. (Chats are written by telegram.ts.)
import { sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, jsonb, type Timed } from './sql.ts'

/** A browser makes a new one now and then, and nobody has more browsers: the oldest goes. */
const mostOfUser = 10

export interface Subscribing extends Timed {
  user_id: string
  endpoint: string
  address: object
}

/** One browser is told of one user's tasks: whoever used it before hears nothing there any more. */
export async function subscribe(db: Db, { user_id, endpoint, address, ...timed }: Subscribing): Promise<void> {
  await sql`
    with others as (delete from listeners where channel = 'push' and key = ${endpoint} and user_id <> ${user_id}),
    oldest as (
      delete from listeners where id in (select id from listeners where user_id = ${user_id} and channel = 'push' and key <> ${endpoint}
        order by created_at desc, id offset ${mostOfUser - 1}))
    insert into listeners as l (user_id, channel, key, address, created_at)
    values (${user_id}, 'push', ${endpoint}, ${jsonb(address)}, ${clock(timed)})
    on conflict (channel, key, user_id) do update set address = excluded.address
  `.execute(repeatable(db))
}

/** Whose it is must say so; of another user's nothing is removed. */
export async function unsubscribe(db: Db, { user_id, endpoint }: { user_id: string; endpoint: string }): Promise<void> {
  await sql`delete from listeners where channel = 'push' and key = ${endpoint} and user_id = ${user_id}`.execute(
    repeatable(db),
  )
}
