// The guards around the blob store, uploads, redo and clocks that are set back: each taken away.
import { UnacceptableFile } from '../../storage/write.ts'
import { type Mutant, statement } from './mutant.ts'

const isStoreFault = (error: unknown) => /blob store/.test(String(error))

export const storingMutants: readonly Mutant[] = [
  {
    name: 'token-kept',
    without: "a store goes on with the token of its instance's first call",
    keepsToken: true,
  },
  {
    name: 'refused-store-fails-result',
    without: 'a store that refuses us is taken for a file that is of no use',
    change: (deps) => ({
      ...deps,
      files: {
        ...deps.files,
        copy: (...given) =>
          deps.files.copy(...given).catch((error) => {
            throw isStoreFault(error) ? new UnacceptableFile('wrong_type', 'The store refuses it') : error
          }),
        // Whoever couldn't write looks whether a rival has: that is refused as well, and would tell the truth.
        stat: (key) =>
          deps.files.stat(key).catch((error) => {
            if (!isStoreFault(error)) throw error
            return undefined
          }),
      },
    }),
  },
  {
    name: 'uploads-stay',
    without: 'the sweep finds no uploads',
    change: (deps) => ({ ...deps, files: { ...deps.files, folders: async () => [] } }),
  },
  {
    name: 'orphans-stay',
    without: 'the sweep finds no notes of starts that died',
    change: (deps) => ({ ...deps, files: { ...deps.files, keys: async () => [] } }),
  },
  {
    name: 'missing-once-is-lost',
    without: 'what a start has written goes when a sweep misses its task for the first time',
    change: (deps) => ({
      ...deps,
      files: {
        ...deps.files,
        write: async (key, ...given) => {
          const [, missing] = /^starts\/\w+\/\d+-(.+)-missing$/.exec(key) ?? []
          if (missing) await deps.files.clear(`inputs/${missing}/`, 100)
          return deps.files.write(key, ...given)
        },
      },
    }),
  },
  {
    name: 'clock-back-keeps-silent',
    without: 'a raise that comes before the last one, by a clock that was set back, counts as fresh',
    change: (deps) => {
      let last = 0
      const raise = async () => {
        const at = deps.now?.().getTime() ?? 0
        if (at < last) return undefined
        last = at
        return deps.wake.raise()
      }
      return { ...deps, wake: { ...deps.wake, raise } }
    },
  },
  statement('hindrance-ends-at-once', 'a key or a picture that is missing for a moment fails the task', [
    /select at from task_events where/,
    "select task_events.at - interval '2 days' as at from task_events where",
  ]),
  statement('redo-repeated-pays', 'a redo that is delivered again is a new one', [
    /\s+and mine\.attempt = coalesce\(\(select attempt from told where told\.id = mine\.id\), mine\.attempt\)/,
    '',
  ]),
  statement('redo-not-counted-in-quota', 'a redo is none of the tasks of a day', [
    'from moved group by user_id',
    'from moved where false group by user_id',
  ]),
]
