// A task's own address for its events, as its start names it. Only hosts that the operator has listed are taken: whoever may start a task could
// else have us send to anywhere.
import type { Config } from '../../core/config.ts'
import { isOwnMachine } from '../../core/notify-settings.ts'
import { ambiguousAddress, isAmbiguous } from '../../core/web-address.ts'
import { isPublicHost } from '../../providers/public-host.ts'
import { invalid } from './request.ts'

const mostCharacters = 2_000

/** The address as it was parsed and checked; null where none is asked for. Throws `invalid_request` with what would be right. */
export function requireNotifyUrl(config: Config, value: string | undefined): string | null {
  if (value === undefined) return null
  const fault = faultOf(config, value)
  if (fault) throw invalid([{ path: 'notify_url', message: fault }])
  return new URL(value).href
}

function faultOf(config: Config, value: string): string | undefined {
  const { NOTIFY_HOSTS: hosts } = config
  if (hosts.length === 0) return 'is not taken here: NOTIFY_HOSTS names no host'
  if (isAmbiguous(value)) return ambiguousAddress
  const url = URL.parse(value)
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an https URL'
  if (url.href.length > mostCharacters) return `must be at most ${mostCharacters} characters long`
  if (url.username || url.password) return 'must not carry a user name or password'
  if (!hosts.includes(url.hostname)) return `must name one of these hosts: ${hosts.join(', ')}`
  if (isOwnMachine(config, url.hostname)) return undefined
  if (url.protocol !== 'https:') return 'must be an https URL'
  return isPublicHost(url.hostname) ? undefined : 'must name a public host'
}
