// The providers that Stepgate can work with; a new one is one more line here. Configuration, passes, webhooks, contract and commands
// take what they know of a provider from this list. Nothing of a provider's own code is loaded before its first use.
import type { Config } from '../core/config.ts'
import type { Provider } from '../core/provider.ts'
import { fal } from './fal/spec.ts'
import type { Http } from './http.ts'
import { replicate } from './replicate/spec.ts'
import type { OpenedProvider, ProviderSpec } from './spec.ts'

export const providers: readonly ProviderSpec[] = [replicate, fal]

/** The value of one of a provider's variables. */
export const settingOf = (config: Config, variable: string): unknown => Reflect.get(config, variable)

export const isOffered = (config: Config, { key }: ProviderSpec): boolean => Boolean(settingOf(config, key))

/** Those that this deployment has keys for. Each loads its code with the first call. */
export function openProviders(config: Config, http: Http, listed = providers): ReadonlyMap<string, Provider> {
  const offered = listed.filter((spec) => isOffered(config, spec))
  return new Map(offered.map((spec) => [spec.name, openLate(spec, () => spec.open(config, http))]))
}

/** Where this deployment has been told that its providers are: a simulator's files may come from this very machine. */
export function ownHosts(config: Config, listed = providers): string[] {
  const addresses = listed.flatMap(({ hosts }) => hosts.map((variable) => String(settingOf(config, variable))))
  return addresses.map((address) => new URL(address).hostname)
}

function openLate(
  { name, listsRunning, erases, bills, inputsKeptSeconds }: ProviderSpec,
  open: () => Promise<OpenedProvider>,
): Provider {
  let opening: Promise<OpenedProvider> | undefined
  // What could not be loaded is tried again by the next call.
  const opened = () => {
    opening ??= open().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }
  return {
    name,
    inputsKeptSeconds,
    submit: async (request, options) => (await opened()).submit(request, options),
    check: async (prediction) => (await opened()).check(prediction),
    cancel: async (prediction) => (await opened()).cancel(prediction),
    search: async (attempt) => (await opened()).search(attempt),
    readWebhook: async (headers, rawBody, now, model) => (await opened()).readWebhook(headers, rawBody, now, model),
    ...(listsRunning && {
      listRunning: async (predictions) => requireAble(name, await opened(), 'listRunning')(predictions),
    }),
    ...(erases && { erase: async (id) => requireAble(name, await opened(), 'erase')(id) }),
    ...(bills && { readBill: async (ids, since) => requireAble(name, await opened(), 'readBill')(ids, since) }),
  }
}

/** What only some providers can do, and their specs say so. */
function requireAble<Name extends 'listRunning' | 'erase' | 'readBill'>(
  provider: string,
  opened: OpenedProvider,
  name: Name,
): NonNullable<OpenedProvider[Name]> {
  const own = opened[name]
  if (own) return own
  throw new Error(`the spec of ${provider} says that it can do ${name}(), and it has none`)
}
