// What speaks with the world outside: HTTP, and the providers over it. lazy.ts loads this.
import type { Config } from '../core/config.ts'
import { openHttp } from '../providers/http.ts'
import { openProviders, ownHosts } from '../providers/index.ts'

export function openOutside(config: Config) {
  const http = openHttp({ connections: config.HTTP_CONCURRENCY, own: ownHosts(config) })
  return { http, providers: openProviders(config, http) }
}
