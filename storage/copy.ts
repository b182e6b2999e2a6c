// Copies the files of one store into another, as a deployment moves. `npm run tasks -- copy-storage` and `npm start` call it. Marks and
// instants stay behind: what is not known counts as awake. A file that is there already is not written again, so it can be repeated.
import pLimit from 'p-limit'
import { filesAmong, openFiles } from './files.ts'
import type { OpenStore } from './store.ts'

const filesAtOnce = 4

interface CopiedFiles {
  copied: number
  bytes: number
  /** Were there already. */
  known: number
}

/** `onFile` is called after each, with what is done until then. Files whose copy is under way are left to it. */
export async function copyStore(
  from: OpenStore,
  to: OpenStore,
  onFile: (done: CopiedFiles) => void = () => undefined,
): Promise<CopiedFiles> {
  const [source, target] = [openFiles(from('files')), openFiles(to('files'))]
  const done: CopiedFiles = { copied: 0, bytes: 0, known: 0 }
  const copy = async (key: string) => {
    const found = await source.read(key)
    if (!found) return
    const { file, body } = found
    const there = await target.stat(key)
    if (there?.etag === file.etag) {
      await body.cancel()
      done.known += 1
    } else {
      const written = await target.write(key, body, { accept: [file.type], maxBytes: file.size })
      if (written.size !== file.size) throw new Error(`${key} is of ${file.size} bytes, and ${written.size} came`)
      done.copied += 1
      done.bytes += file.size
    }
    onFile(done)
  }
  const limit = pLimit(filesAtOnce)
  for await (const { blobs } of from('files').list({ prefix: '' })) {
    await Promise.all(filesAmong(blobs).map((key) => limit(copy, key)))
  }
  return done
}
