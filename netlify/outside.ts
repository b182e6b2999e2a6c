// What speaks with the world outside: HTTP. lazy.ts loads this.
import type { Config } from '../core/config.ts'
import { openHttp } from '../providers/http.ts'
import { ownHosts } from '../providers/index.ts'

export function openOutside(config: Config) {
  return openHttp({ connections: config.HTTP_CONCURRENCY, own: ownHosts(config) })
}
