// What can be typed after `npm run tasks --`, and the sentence about what can't.
import { expect, test } from 'vitest'
import { parseCommand } from '../../cli/arguments.ts'

test.each<[string, string[], string]>([
  ['no command', [], 'Say what to do.'],
  ['an unknown command', ['mend'], 'There is no command "mend".'],
  ['show without an id', ['show'], 'show needs the id of a task, or of a prediction.'],
  ['an id that is none', ['check', '42'], '"42" is not an id: a task\'s is a UUID,'],
  ['two scopes at once', ['list', '--all', '--overdue'], 'Use one of --all, --overdue and --status'],
  ['a scope without its command', ['show', 'abcdefgh', '--all'], '--all belongs to list.'],
  ['resume without a name', ['resume'], 'resume needs the name of a provider'],
  ['an unknown status', ['list', '--status', 'lost'], '--status must be one of pending,'],
  ['a limit of words', ['list', '--limit', 'many'], '--limit must be a number'],
  ['an unknown flag', ['list', '--colour'], "Unknown option '--colour'"],
  ['a filter without its command', ['stats', '--user', 'ada'], '--user belongs to list and erase.'],
  ['no limit', ['list', '--limit', '0'], '--limit must be a number, 1 to 1000'],
  ['a part of a limit', ['deliveries', '--limit', '1.5'], '--limit must be a number, 1 to 1000'],
  ['too high a limit', ['list', '--limit', '1001'], '--limit must be a number, 1 to 1000'],
  ['an option of another command', ['deliveries', '--task', 'x'], '--task belongs to erase.'],
  ['an option of yet another', ['erase', '--user', 'ada', '--open'], '--open belongs to deliveries.'],
  ['nobody to erase', ['erase', '--user', 'erased'], '--user erased is nobody'],
  ['a word too many', ['recover', 'all'], '"all" is one word too many.'],
])('%s is refused with a sentence', (_name, words, sentence) => {
  expect(() => parseCommand(words)).toThrow(sentence)
})
