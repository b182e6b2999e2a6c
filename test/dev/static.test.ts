import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createServer } from '../../dev/router.ts'
import { pageHeaders } from '../../dev/static.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-page-'))
await mkdir(join(folder, 'page/assets/named.css'), { recursive: true })
await writeFile(join(folder, 'secret.txt'), 'secret')
await mkdir(join(folder, 'page-other'))
await writeFile(join(folder, 'page-other/secret.txt'), 'secret')
await writeFile(join(folder, 'page/index.html'), '<!doctype html>')
await writeFile(join(folder, 'page/.env'), 'secret')
await writeFile(join(folder, 'page/assets/a b.css'), 'a{}')
await symlink(join(folder, 'secret.txt'), join(folder, 'page/link.txt'))
await symlink(join(folder, 'page-other'), join(folder, 'page/other'))

const log = { info: () => {}, error: () => {} }
const router = createServer([], { log, static: join(folder, 'page') })
const url = await router.listen(0)
afterAll(async () => {
  await router.close()
  await rm(folder, { recursive: true })
})

/** Sends the path as it stands: fetch would tidy it first. */
function ask(path: string, method = 'GET'): Promise<{ status: number | undefined; type: string | undefined }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, path, method }, (response) => {
      response.resume()
      resolve({ status: response.statusCode, type: response.headers['content-type'] })
    })
    sent.on('error', reject).end()
  })
}

test('serves the page and its files with their types', async () => {
  expect(await ask('/')).toEqual({ status: 200, type: 'text/html; charset=utf-8' })
  expect(await ask('/index.html?x')).toEqual({ status: 200, type: 'text/html; charset=utf-8' })
  expect(await ask('/assets/a%20b.css', 'HEAD')).toEqual({ status: 200, type: 'text/css; charset=utf-8' })
})

test('answers 304 to the ETag it gave', async () => {
  const etag = (await fetch(url)).headers.get('etag') ?? ''
  expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304)
})

test.each([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/..%2fpage-other/secret.txt',
  '/link.txt',
  '/other/secret.txt',
  '/.env',
  '/%00.txt',
  '/%zz',
  '/assets',
  '/assets/named.css',
  '/assets/',
  '/missing.txt',
])('serves nothing for %s', async (path) => {
  expect((await ask(path)).status).toBe(404)
})

test('serves nothing for a name longer than any file has', async () => {
  expect((await ask(`/${'a'.repeat(5000)}.txt`)).status).toBe(404)
})

test('takes no other method', async () => {
  expect((await ask('/', 'POST')).status).toBe(404)
})

test('sends the headers that netlify.toml sets for the same files, all of them and no others', async () => {
  const toml = await readFile(new URL('../../netlify.toml', import.meta.url), 'utf8')
  const [, section = ''] = toml.split('[headers.values]\n')
  const deployed = Object.fromEntries(
    [...section.matchAll(/^([\w-]+) = "(.*)"$/gm)].map(([, name = '', value]) => [name, value]),
  )
  expect(pageHeaders).toEqual(deployed)
  const response = await fetch(url)
  for (const [name, value] of Object.entries(pageHeaders)) expect(response.headers.get(name)).toBe(value)
})
