// What this deployment knows of a provider before it speaks to it. One spec a provider, listed in index.ts; everything else about it is
// loaded by `open`, so that a door that needs no provider loads none.
import type { Config } from '../core/config.ts'
import type { Provider } from '../core/provider.ts'
import type { Settings, ValuesOf } from '../core/settings.ts'
import type { Http } from './http.ts'

export interface ProviderSpec {
  /** In recipes, rows and `/api/webhook/{name}`: lower case, digits and hyphens. */
  name: string
  /** As people write it. */
  title: string
  /** Its variables, with their defaults. */
  environment: Settings
  /** The variable without which it isn't offered. */
  key: string
  /** The variables whose values no log and no report may show. */
  secrets: readonly string[]
  /** The variable that limits its predictions in flight. */
  cap: string
  /** The variables that say where it is: files may come from these hosts wherever they are. */
  hosts: readonly string[]
  /** Whether its list shows what runs, many predictions in one request. */
  listsRunning: boolean
  /** Whether it deletes what it keeps of a prediction when it is asked to. */
  erases?: boolean
  /** Whether it tells afterwards what it has charged for a prediction. */
  bills?: boolean
  /** How long its list shows the inputs, which carry attempts' markers. Undefined: its list never proves that a prediction is missing. */
  inputsKeptSeconds?: number
  open(config: Config, http: Http): Promise<OpenedProvider>
}

export type OpenedProvider = Omit<Provider, 'name' | 'inputsKeptSeconds'>

/** A provider's own part of the configuration, which was parsed with all the rest. */
export function readSettings<S extends Settings>(_settings: S, config: Config): ValuesOf<S> {
  return config as unknown as ValuesOf<S>
}
