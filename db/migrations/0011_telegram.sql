-- The Telegram door: what a chat has already said, the album that it is sending, and codes that link a chat to a user of the page.
-- Who is told in a chat is in `listeners`, like every other receiver.
create table telegram_chats (
  chat_id bigint primary key,
  -- The chat's own user: `telegram:` and Telegram's id of the person.
  user_id text not null unique check (length(user_id) between 1 and 300),
  -- The newest updates that were handled: Telegram sends one again where it missed the answer.
  handled bigint[] not null default '{}' check (cardinality(handled) <= 50),
  -- The newest album: {id, photos: [{message_id, file_id}], caption, started}. Its photos come one by one, each in an update of its own.
  album jsonb,
  created_at timestamptz not null,
  seen_at timestamptz not null
);

-- One-time codes of deep links. Only their hashes are kept.
create table telegram_links (
  code_hash text primary key,
  user_id text not null check (length(user_id) between 1 and 300),
  expires_at timestamptz not null
);
create index telegram_links_of_user on telegram_links (user_id);
