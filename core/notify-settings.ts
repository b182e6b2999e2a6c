// What is right in the variables that tell apps and people of tasks. core/config.ts reads them and asks here; channels ask where they may send.
import { isLoopback } from './settings.ts'

interface NotifySettings {
  NOTIFY_URL?: string | undefined
  NOTIFY_SECRET?: string | undefined
  NOTIFY_HOSTS: readonly string[]
  ALLOW_HTTP_CALLBACKS: boolean
  VAPID_PUBLIC_KEY?: string | undefined
  VAPID_PRIVATE_KEY?: string | undefined
  VAPID_SUBJECT?: string | undefined
}

const vapid = ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY', 'VAPID_SUBJECT'] as const

/** What doesn't fit together: the variable's name, and what would be right. */
export function notifyFaults(config: NotifySettings): [name: string, message: string][] {
  const { NOTIFY_URL, NOTIFY_SECRET, NOTIFY_HOSTS, ALLOW_HTTP_CALLBACKS } = config
  const faults: [string, string][] = []
  if ((NOTIFY_URL || NOTIFY_HOSTS.length > 0) && !NOTIFY_SECRET) {
    faults.push(['NOTIFY_SECRET', 'must be set beside NOTIFY_URL and NOTIFY_HOSTS: it signs what is told'])
  }
  if (NOTIFY_URL?.startsWith('http:') && !ALLOW_HTTP_CALLBACKS) {
    faults.push(['NOTIFY_URL', 'must be https; http goes to this machine alone, and where ALLOW_HTTP_CALLBACKS=1'])
  }
  const isAnySet = vapid.some((name) => config[name])
  for (const name of vapid) {
    if (isAnySet && !config[name]) faults.push([name, 'must be set beside the other two VAPID_ variables'])
  }
  return faults
}

/** A receiver on this machine, which only a deployment that is all on one machine may have. */
export const isOwnMachine = (
  { ALLOW_HTTP_CALLBACKS }: Pick<NotifySettings, 'ALLOW_HTTP_CALLBACKS'>,
  hostname: string,
): boolean => ALLOW_HTTP_CALLBACKS && isLoopback(hostname)
