// What the Telegram door keeps: which updates of a chat were handled, the album that it is sending, and which users of the page it is linked
// to. One statement each; functions/telegram calls them.
import { sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, jsonb, seconds, type Timed } from './sql.ts'

/** Of a chat: Telegram sends an update again within minutes, or never. */
const mostHandled = 50

export interface ChatAddress {
  chat_id: number
  language: string
  name: string
}

export interface Met {
  /** This update was handled before: nothing is left to do. */
  is_handled: boolean
  /** The users of the page that have linked this chat. */
  linked: string[]
}

interface Meeting extends Timed {
  user_id: string
  update_id: number
  address: ChatAddress
}

/** A chat that speaks is known from then on, and is told of its own user's tasks, in the language that it speaks now. */
export async function meetChat(db: Db, { user_id, update_id, address, ...timed }: Meeting): Promise<Met> {
  const now = clock(timed)
  const key = String(address.chat_id)
  const { rows } = await sql<Met>`
    with chat as (
      insert into telegram_chats as c (chat_id, user_id, created_at, seen_at) values (${address.chat_id}, ${user_id}, ${now}, ${now})
      on conflict (chat_id) do update set seen_at = excluded.seen_at
      returning c.handled @> array[${update_id}::bigint] as is_handled),
    told as (
      insert into listeners as l (user_id, channel, key, address, created_at)
      values (${user_id}, 'telegram', ${key}, ${jsonb(address)}, ${now})
      on conflict (channel, key, user_id) do update set address = excluded.address where l.address <> excluded.address)
    select is_handled, array(select user_id from listeners
      where channel = 'telegram' and key = ${key} and user_id <> ${user_id} order by created_at) as linked
    from chat
  `.execute(repeatable(db))
  return rows[0] as Met
}

export async function markHandled(
  db: Db,
  { chat_id, update_id }: { chat_id: number; update_id: number },
): Promise<void> {
  await sql`
    update telegram_chats set handled = (array[${update_id}::bigint] || handled)[1:${sql.lit(mostHandled)}]
    where chat_id = ${chat_id} and not handled @> array[${update_id}::bigint]
  `.execute(repeatable(db))
}

/** Nobody is told in this chat any more: the bot was stopped, or a page's user is not to be told here. */
export async function silenceChat(
  db: Db,
  { chat_id, user_ids }: { chat_id: number; user_ids?: string[] },
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    delete from listeners where channel = 'telegram' and key = ${String(chat_id)}
      and ${user_ids ? sql`user_id = any(${user_ids}::text[])` : sql`true`} returning id
  `.execute(repeatable(db))
  return rows.length
}

export interface AlbumPhoto {
  message_id: number
  file_id: string
}

export interface Album {
  id: string
  photos: AlbumPhoto[]
  caption: string | null
  /** Its task was begun: what comes now comes too late. */
  started: boolean
}

interface Adding {
  chat_id: number
  album: string
  photo: AlbumPhoto
  caption: string | undefined
}

/** Adds a photo to the chat's album, in the order in which they were sent; a new album takes the place of the one before. */
export async function addToAlbum(db: Db, { chat_id, album, photo, caption }: Adding): Promise<Album | undefined> {
  const fresh = { id: album, photos: [], caption: null, started: false }
  const { rows } = await sql<{ album: Album }>`
    with mine as materialized (
      select case when album ->> 'id' = ${album} then album else ${jsonb(fresh)} end as album
      from telegram_chats where chat_id = ${chat_id} for update),
    photos as (
      select jsonb_agg(photo order by (photo ->> 'message_id')::bigint) as photos from (
        select jsonb_array_elements(album -> 'photos') as photo from mine
        union select ${jsonb(photo)}) as all_of_them)
    update telegram_chats c set album = mine.album || case when mine.album -> 'started' = 'true' then '{}' else jsonb_build_object(
      'photos', photos.photos, 'caption', coalesce(${caption ?? null}::text, mine.album ->> 'caption')) end
    from mine, photos where c.chat_id = ${chat_id} returning c.album
  `.execute(repeatable(db))
  return rows[0]?.album
}

/**
 * The whole album, once, to whoever saw its last photo come: undefined where another has come since, or it was taken. What was taken is
 * the task's, and kept here no longer.
 */
export async function takeAlbum(
  db: Db,
  of: { chat_id: number; album: string; count: number },
): Promise<Album | undefined> {
  const { rows } = await sql<{ album: Album }>`
    with mine as materialized (
      select chat_id, album from telegram_chats
      where chat_id = ${of.chat_id} and album ->> 'id' = ${of.album} and album -> 'started' = 'false'
        and jsonb_array_length(album -> 'photos') = ${of.count}
      for update)
    update telegram_chats c set album = mine.album || '{"started": true, "photos": [], "caption": null}'
    from mine where c.chat_id = mine.chat_id returning mine.album
  `.execute(db)
  return rows[0]?.album
}

/** A one-time code for this user; what is over, and what the user had before, goes. */
export async function offerLink(
  db: Db,
  { user_id, code_hash, validSeconds, ...timed }: { user_id: string; code_hash: string; validSeconds: number } & Timed,
): Promise<Date> {
  const now = clock(timed)
  const { rows } = await sql<{ expires_at: Date }>`
    with gone as (delete from telegram_links where user_id = ${user_id} or expires_at <= ${now})
    insert into telegram_links (code_hash, user_id, expires_at) values (${code_hash}, ${user_id}, ${now} + ${seconds(sql`${validSeconds}::float8`)})
    returning expires_at
  `.execute(db)
  return rows[0]?.expires_at as Date
}

/**
 * Spends a code and links the chat that brought it, which keeps the code's hash: a chat that is linked by it is told so again, whoever
 * repeats it. False: there is no such code (any more).
 */
export async function linkChat(
  db: Db,
  { code_hash, address, ...timed }: { code_hash: string; address: ChatAddress } & Timed,
): Promise<boolean> {
  const now = clock(timed)
  const key = String(address.chat_id)
  const { rows } = await sql`
    with spent as (delete from telegram_links where code_hash = ${code_hash} and expires_at > ${now} returning user_id),
    linked as (
      insert into listeners (user_id, channel, key, address, created_at)
      select user_id, 'telegram', ${key}, ${jsonb({ ...address, linked_by: code_hash })}, ${now} from spent
      on conflict (channel, key, user_id) do update set address = excluded.address
      returning id)
    select id from linked
    union all select id from listeners where channel = 'telegram' and key = ${key} and address ->> 'linked_by' = ${code_hash}
  `.execute(repeatable(db))
  return rows.length > 0
}

export interface LinkedChat {
  name: string
  linked_at: Date
}

/** The chats that are told of a user's tasks. */
export async function listLinked(db: Db, user_id: string): Promise<LinkedChat[]> {
  const { rows } = await sql<LinkedChat>`
    select address ->> 'name' as name, created_at as linked_at from listeners
    where user_id = ${user_id} and channel = 'telegram' order by created_at limit 20
  `.execute(repeatable(db))
  return rows
}

export async function unlinkChats(db: Db, user_id: string): Promise<void> {
  await sql`
    with codes as (delete from telegram_links where user_id = ${user_id})
    delete from listeners where user_id = ${user_id} and channel = 'telegram'
  `.execute(repeatable(db))
}
