// The doctor's report: a line a finding for people, one document for programs, and no secret in either.
import type { Finding, State } from './findings.ts'

export function report(findings: readonly Finding[], { isJson }: { isJson: boolean }): string {
  const counts = countsOf(findings)
  if (isJson) return JSON.stringify({ ok: counts.FAIL === 0, counts, findings }, null, 2)
  const width = Math.max(...findings.map(({ name }) => name.length))
  const lines = findings.map(
    ({ state, name, says, todo }) => `${state.padEnd(4)}  ${name.padEnd(width)}  ${says}${todo ? ` → ${todo}` : ''}`,
  )
  return [...lines, '', `${counts.FAIL} FAIL, ${counts.warn} warn, ${counts.ok} ok`].join('\n')
}

function countsOf(findings: readonly Finding[]): Record<State, number> {
  const count = (wanted: State) => findings.filter(({ state }) => state === wanted).length
  return { FAIL: count('FAIL'), warn: count('warn'), ok: count('ok') }
}

const shortest = 6

/** Whatever an answer or an error may have quoted: the values that open something are cut out, whole or in part of an address. */
export function withoutSecrets(text: string, env: Readonly<Record<string, string | undefined>>): string {
  const values = Object.entries(env).flatMap(([name, value = '']) => [
    ...(/SECRET|TOKEN|KEY|PASSWORD|CONTEXT/.test(name) ? [value, ...value.split(/\s+/)] : []),
    ...(/URL|DSN/.test(name) ? passwordsOf(value) : []),
  ])
  const longestFirst = [...new Set(values)].filter((value) => value.length >= shortest)
  longestFirst.sort((one, other) => other.length - one.length)
  return longestFirst.reduce((rest, value) => rest.replaceAll(value, '…'), text)
}

function passwordsOf(address: string): string[] {
  const { password = '' } = URL.parse(address) ?? {}
  return password ? [address, password, decoded(password)] : []
}

/** A percent sign may stand for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
