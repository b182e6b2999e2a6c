// The channels through which events reach people and apps. docs/telling.md (Adding a channel) lists all that a new one needs. engine/deliver.ts
// hands each delivery to its channel; nothing of a channel's own code is loaded before its first delivery.
import type { Config } from '../core/config.ts'
import type { ChannelKind, Notify } from '../core/event.ts'
import type { Channel, NotifyDeps } from './channel.ts'

interface ChannelSpec {
  kind: ChannelKind
  isOffered(config: Config): boolean
  open(deps: NotifyDeps): Promise<Channel>
}

const channels: readonly ChannelSpec[] = [
  {
    kind: 'webhook',
    isOffered: ({ NOTIFY_SECRET }) => NOTIFY_SECRET !== undefined,
    open: async (deps) => (await import('./webhook.ts')).openWebhook(deps),
  },
  {
    kind: 'push',
    isOffered: ({ VAPID_PUBLIC_KEY }) => VAPID_PUBLIC_KEY !== undefined,
    open: async (deps) => (await import('./push.ts')).openPush(deps),
  },
  {
    kind: 'telegram',
    isOffered: ({ TELEGRAM_BOT_TOKEN }) => TELEGRAM_BOT_TOKEN !== undefined,
    open: async (deps) => (await import('./telegram.ts')).openTelegram(deps),
  },
]

/** Undefined where the deployment has no channel at all. */
export function notifyOf(config: Config): Notify | undefined {
  const kinds = channels.filter((channel) => channel.isOffered(config)).map(({ kind }) => kind)
  return kinds.length > 0 ? { url: config.NOTIFY_URL !== undefined, channels: kinds } : undefined
}

/** Opens a channel, or says that this deployment doesn't have it (any more). */
export async function openChannel(kind: ChannelKind, deps: NotifyDeps): Promise<Channel | undefined> {
  const spec = channels.find((channel) => channel.kind === kind)
  return spec?.isOffered(deps.config) ? spec.open(deps) : undefined
}
