// What a channel is: it sends one event to one receiver, and says what became of it. notify/webhook.ts,
// push.ts and telegram.ts are channels; notify/index.ts lists them.
import type { Config } from '../core/config.ts'
import type { Delivery, SendResult } from '../core/event.ts'
import type { Http } from '../providers/http.ts'
import type { Recipes } from '../recipes/index.ts'
import type { Files } from '../storage/files.ts'

/** What a channel is opened with: a part of what passes have. */
export interface NotifyDeps {
  config: Config
  http: Http
  files: Files
  recipes: Recipes
  /** Absent in production. */
  now?: () => Date
}

export interface Channel {
  /**
   * One try, within the signal's time. It answers what became of it; what it throws counts as `later`, and its message is kept for the
   * operator: no secret may be in it. A crash after it may repeat it, with the same `id`.
   */
  send(delivery: Delivery, signal: AbortSignal): Promise<SendResult>
}
