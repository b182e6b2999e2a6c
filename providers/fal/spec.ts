// fal: its variables, and what its API can tell. Listed in providers/index.ts.
import type { Config } from '../../core/config.ts'
import { cap, text, url } from '../../core/settings.ts'
import { type ProviderSpec, readSettings } from '../spec.ts'

const environment = {
  FAL_KEY: text,
  FAL_QUEUE_URL: url('https://queue.fal.run'),
  FAL_API_URL: url('https://api.fal.ai/v1'),
  FAL_JWKS_URL: url('https://rest.fal.ai/.well-known/jwks.json'),
  FAL_CONCURRENCY: cap,
}

export const falSettings = (config: Config) => readSettings(environment, config)

export const fal: ProviderSpec = {
  name: 'fal',
  title: 'fal',
  environment,
  key: 'FAL_KEY',
  secrets: ['FAL_KEY'],
  cap: 'FAL_CONCURRENCY',
  hosts: ['FAL_QUEUE_URL', 'FAL_API_URL'],
  listsRunning: false,
  erases: true,
  bills: true,
  async open(config, http) {
    const { FAL_KEY: key = '', ...own } = falSettings(config)
    const { openFal } = await import('./provider.ts')
    return openFal({
      ...{ http, key, queueUrl: own.FAL_QUEUE_URL, apiUrl: own.FAL_API_URL, jwksUrl: own.FAL_JWKS_URL },
      submitTimeoutMs: config.SUBMIT_TIMEOUT_SECONDS * 1000,
      checkTimeoutMs: config.CHECK_TIMEOUT_SECONDS * 1000,
    })
  },
}
