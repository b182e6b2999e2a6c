// What a key with admin scope may do about requests that are over: delete what is kept of them.
import { json, notAdmin, notFound } from './answers.ts'
import type { State } from './protocol.ts'

/** The request's JSON and its output files. */
export function deletePayloads(state: State, id: string): Response {
  state.requests.delete += 1
  if (!state.settings.is_admin) return notAdmin()
  const found = state.byId.get(id)
  if (!found) return notFound()
  found.own.isDeleted = true
  return json({ cdn_delete_results: [] })
}
