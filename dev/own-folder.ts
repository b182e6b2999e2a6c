// A folder under dist/ for what this process alone builds. `npm run serve:built` and the page's build call it. A process that is killed
// can't remove its folder, so the next call removes the folders of processes that have ended.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { threadId } from 'node:worker_threads'

const dist = new URL('../dist/', import.meta.url)

/** `.KIND-PID-THREAD/`, not made yet. */
export async function ownFolder(kind: string, root: URL = dist): Promise<URL> {
  await mkdir(root, { recursive: true })
  for (const name of await readdir(root)) {
    const [, of, pid] = /^\.([a-z]+)-(\d+)(?:-\d+)?$/.exec(name) ?? []
    if (of === kind && !isRunning(Number(pid))) await rm(new URL(`${name}/`, root), { recursive: true, force: true })
  }
  return new URL(`.${kind}-${process.pid}-${threadId}/`, root)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process runs, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
