// Buttons under a chat's messages, as the short text that Telegram keeps with each: at most 64 bytes. A button says what was seen (task,
// step, attempt), never who may press it. notify/ makes them, functions/telegram reads what was pressed.

/** What each kind of button says beside its letter. */
const kinds = {
  continue: { letter: 'c', numbers: ['step'] },
  redo: { letter: 'r', numbers: ['step', 'attempt'] },
  cancel: { letter: 's', numbers: [] },
  /** Shows the attempts of a step, to choose one of them. */
  attempts: { letter: 'l', numbers: ['step'] },
  choose: { letter: 'p', numbers: ['step', 'attempt', 'file'] },
  /** Shows again what a task has made. */
  results: { letter: 'h', numbers: [] },
  /** Deletes everything, or nothing. */
  delete: { letter: 'd', numbers: [] },
  keep: { letter: 'k', numbers: [] },
} as const satisfies Record<string, { letter: string; numbers: readonly (keyof Seen)[] }>

interface Seen {
  step: number
  attempt: number
  file: number
}

export type PressKind = keyof typeof kinds

export interface Press extends Partial<Seen> {
  kind: PressKind
  /** Missing where the button is about no task. */
  task_id?: string
}

/** As `p:<the id's 16 bytes, base64url>:<step>:<attempt>:<file>`. */
export function buttonData({ kind, task_id, ...seen }: Press): string {
  const { letter, numbers } = kinds[kind]
  const id = task_id ? [Buffer.from(task_id.replaceAll('-', ''), 'hex').toString('base64url')] : []
  return [letter, ...id, ...numbers.map((name) => String(seen[name] ?? 1))].join(':')
}

/** Undefined where no button of ours says this: an older version's, or somebody's own. */
export function readButton(data: string): Press | undefined {
  const [letter = '', id, ...given] = data.split(':')
  const found = Object.entries(kinds).find(([, kind]) => kind.letter === letter)
  if (!found) return undefined
  const [kind, { numbers }] = found as [PressKind, (typeof kinds)[PressKind]]
  if (kind === 'delete' || kind === 'keep') return id === undefined ? { kind } : undefined
  const task_id = uuidOf(id ?? '')
  const isWhole = given.length === numbers.length && given.every((text) => /^[1-9]\d{0,6}$/.test(text))
  if (!task_id || !isWhole) return undefined
  return { kind, task_id, ...Object.fromEntries(numbers.map((name, index) => [name, Number(given[index])])) }
}

function uuidOf(text: string): string | undefined {
  if (!/^[\w-]{22}$/.test(text)) return undefined
  const hex = Buffer.from(text, 'base64url').toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
