// The walks of README.md and docs/built-in-recipes.md are run as they stand: `npm start` in a child process, the fenced sh blocks pasted into
// one shell.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { zipSync } from 'fflate'
import { fileTypeFromBuffer } from 'file-type'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../simulator/ports.ts'
import { fencesOf, readDocument, root, sectionOf } from './documents.ts'

const run = promisify(execFile)

/** Where `npm start`'s own command answers, once it says that it is ready. */
async function startStack(data: string): Promise<{ address: string; simulator: string; stack: ChildProcess }> {
  const { REPLICATE_API_TOKEN: _, FAL_KEY: __, LOG_FORMAT: ___, ...env } = process.env
  const port = await freePort()
  const simulatorPort = await freePort()
  const stack = spawn(process.execPath, [fileURLToPath(new URL('dev/start.ts', root))], {
    env: { ...env, PORT: String(port), STEPGATE_DATA: data, SIMULATOR_PORT: String(simulatorPort) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: string[] = []
  for await (const line of createInterface({ input: stack.stdout as NodeJS.ReadableStream })) {
    said.push(line)
    const address = /Stepgate is ready: (http:\S+)/.exec(line)?.[1]
    if (!address) continue
    stack.stdout?.resume()
    return { address, simulator: `http://127.0.0.1:${simulatorPort}`, stack }
  }
  throw new Error(`npm start ended before it was ready:\n${said.join('\n')}`)
}

async function stop(stack: ChildProcess): Promise<void> {
  if (stack.exitCode !== null) return
  stack.kill('SIGINT')
  await once(stack, 'exit')
}

test('the walks of the documents end with its pictures and weights on disk', { timeout: 500_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-walk-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { address, simulator, stack } = await startStack(join(folder, 'data'))
  onTestFinished(() => stop(stack))
  const quick = JSON.stringify({ seconds_per_step: 0.3, fal: { seconds_per_step: 0.3, seconds_per_training: 1 } })
  expect((await fetch(`${simulator}/_simulator/settings`, { method: 'POST', body: quick })).ok).toBe(true)
  const photo = new Uint8Array(await readFile(new URL('web/public/samples/person.jpg', root)))
  const photos = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`${index + 1}.jpg`, photo]))
  await writeFile(join(folder, 'photos.zip'), zipSync(photos, { level: 0 }))

  const tryOn = sectionOf(await readDocument('README.md'), '## Try it')
  const others = await readDocument('docs/built-in-recipes.md')
  const walks = [tryOn, others].flatMap((text) => fencesOf(text, 'sh'))
  const script = walks.join('\n')
  const { stdout } = await run('sh', ['-c', script], { cwd: folder, env: { ...process.env, STEPGATE: address } })

  // Step 1 is made, changed, chosen and looked at once more.
  const first = 'step 1: waiting_continue\n'
  expect(stdout).toContain(`${first}${first}${first}step 2: waiting_continue\nstep 3: completed\n`)
  expect(stdout).toMatch(/step 3: completed\nstep 1: completed\nstep 6: completed\n$/)
  const [chosen, other, kept] = await Promise.all(
    ['try-1.jpg', 'try-2.jpg', 'step-1.jpg'].map((name) => readFile(join(folder, name), 'base64')),
  )
  expect([kept === chosen, kept === other]).toEqual([true, false])
  const portraits = await Promise.all([1, 2, 3, 4, 5, 6].map((step) => readFile(join(folder, `portrait-${step}.jpg`))))
  expect(new Set(portraits.map((portrait) => portrait.toString('base64'))).size).toBe(6)
  const pictures = await Promise.all(
    ['step-1.jpg', 'step-2.jpg', 'try-on.jpg'].map((name) => readFile(join(folder, name))),
  )
  const types = await Promise.all(pictures.map(async (picture) => (await fileTypeFromBuffer(picture))?.mime))
  expect(types).toEqual(['image/jpeg', 'image/jpeg', 'image/jpeg'])
  expect(new Set(pictures.map((picture) => picture.toString('base64'))).size).toBe(3)

  const memes = await Promise.all([1, 2, 3].map((step) => readFile(join(folder, `meme-${step}.webp`))))
  expect(new Set(memes.map((meme) => meme.toString('base64'))).size).toBe(3)
  expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toMatchObject({
    trigger_phrase: 'ohwx person',
  })
  const weights = await readFile(join(folder, 'weights.safetensors'))
  expect(weights.byteLength).toBe(24_000_000)

  await stop(stack)
  expect(stack.exitCode).toBe(0)
  await expect(access(join(folder, 'data', 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT')
})
