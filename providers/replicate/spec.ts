// Replicate: its variables, and what its API can tell. Listed in providers/index.ts.
import type { Config } from '../../core/config.ts'
import { cap, optional, text, textThat, url } from '../../core/settings.ts'
import { type ProviderSpec, readSettings } from '../spec.ts'

/** Of any length: Replicate makes them. An empty one would let everybody sign. */
function isWebhookSecret(value: string): boolean {
  const secrets = value.split(/\s+/).filter(Boolean)
  return secrets.length > 0 && secrets.every((secret) => /^whsec_[\w+/-]+={0,2}$/.test(secret))
}

const environment = {
  REPLICATE_API_TOKEN: text,
  REPLICATE_BASE_URL: url('https://api.replicate.com/v1'),
  /** Several secrets separated by spaces are all accepted, so that one can be rotated without a gap. */
  REPLICATE_WEBHOOK_SECRET: optional(
    textThat([isWebhookSecret, 'must be whsec_ and base64; several are separated by spaces']),
  ),
  REPLICATE_CONCURRENCY: cap,
}

export const replicateSettings = (config: Config) => readSettings(environment, config)

export const replicate: ProviderSpec = {
  name: 'replicate',
  title: 'Replicate',
  environment,
  key: 'REPLICATE_API_TOKEN',
  secrets: ['REPLICATE_API_TOKEN', 'REPLICATE_WEBHOOK_SECRET'],
  cap: 'REPLICATE_CONCURRENCY',
  hosts: ['REPLICATE_BASE_URL'],
  listsRunning: true,
  inputsKeptSeconds: 3_600,
  async open(config, http) {
    const { REPLICATE_API_TOKEN: token = '', REPLICATE_BASE_URL: baseUrl, ...own } = replicateSettings(config)
    const { openReplicate } = await import('./provider.ts')
    return openReplicate({
      ...{ http, token, baseUrl, webhookSecret: own.REPLICATE_WEBHOOK_SECRET },
      submitTimeoutMs: config.SUBMIT_TIMEOUT_SECONDS * 1000,
      checkTimeoutMs: config.CHECK_TIMEOUT_SECONDS * 1000,
    })
  },
}
