// The providers that this deployment has keys for. Passes, webhooks and the operator's command take them from here.
import type { Config } from '../core/config.ts'
import type { Provider } from '../core/provider.ts'
import { openFal } from './fal/provider.ts'
import type { Http } from './http.ts'
import { openReplicate } from './replicate/provider.ts'

export function openProviders(config: Config, http: Http): ReadonlyMap<string, Provider> {
  const providers: Provider[] = []
  const timeouts = {
    submitTimeoutMs: config.SUBMIT_TIMEOUT_SECONDS * 1000,
    checkTimeoutMs: config.CHECK_TIMEOUT_SECONDS * 1000,
  }
  if (config.REPLICATE_API_TOKEN) {
    providers.push(
      openReplicate({
        http,
        token: config.REPLICATE_API_TOKEN,
        baseUrl: config.REPLICATE_BASE_URL,
        webhookSecret: config.REPLICATE_WEBHOOK_SECRET,
        ...timeouts,
      }),
    )
  }
  if (config.FAL_KEY) {
    providers.push(
      openFal({
        http,
        key: config.FAL_KEY,
        queueUrl: config.FAL_QUEUE_URL,
        apiUrl: config.FAL_API_URL,
        jwksUrl: config.FAL_JWKS_URL,
        ...timeouts,
      }),
    )
  }
  return new Map(providers.map((provider) => [provider.name, provider]))
}

/** Where this deployment has been told that its providers are: a simulator's files may come from this very machine. */
export function ownHosts({ REPLICATE_BASE_URL, FAL_QUEUE_URL, FAL_API_URL }: Config): string[] {
  return [REPLICATE_BASE_URL, FAL_QUEUE_URL, FAL_API_URL].map((url) => new URL(url).hostname)
}
