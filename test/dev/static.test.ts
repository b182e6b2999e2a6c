import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { headersFile } from '../../build/page-headers.ts'
import { createServer } from '../../dev/router.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-page-'))
await mkdir(join(folder, 'page/assets/named.css'), { recursive: true })
await writeFile(join(folder, 'secret.txt'), 'secret')
await mkdir(join(folder, 'page-other'))
await writeFile(join(folder, 'page-other/secret.txt'), 'secret')
await writeFile(join(folder, 'page/index.html'), '<!doctype html>')
await writeFile(join(folder, 'page/404.html'), '<!doctype html>no such page')
await writeFile(join(folder, 'page/.env'), 'secret')
await writeFile(join(folder, 'page/assets/a b.css'), 'a{}')
await symlink(join(folder, 'secret.txt'), join(folder, 'page/link.txt'))
await symlink(join(folder, 'page-other'), join(folder, 'page/other'))

const log = { info: () => {}, error: () => {} }
const router = createServer([], { log, static: { folder: join(folder, 'page'), storeOrigin: 'https://store.test' } })
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

test('shows a visitor of an address that is none a page that says so, and a program none', async () => {
  const visit = async (path: string) => {
    const answer = await fetch(new URL(path, url), { headers: { accept: 'text/html,*/*;q=0.8' } })
    return [answer.status, answer.headers.get('content-type'), (await answer.text()).includes('no such page')]
  }
  expect(await visit('/foo')).toEqual([404, 'text/html; charset=utf-8', true])
  expect(await visit('/%2e%2e/secret.txt')).toEqual([404, 'text/html; charset=utf-8', true])
  expect(await visit('/api/foo')).toEqual([404, 'application/problem+json', false])
  expect(await (await fetch(new URL('/foo', url))).text()).toBe('Not found\n')
})

test('takes no other method', async () => {
  expect((await ask('/', 'POST')).status).toBe(404)
})

test('sends the headers that the build writes for Netlify, all of them', async () => {
  const [path, ...lines] = headersFile('https://store.test').trimEnd().split('\n')
  expect([path, lines.length]).toEqual(['/*', 8])
  const response = await fetch(url)
  for (const line of lines) {
    const [, name = '', value] = /^ {2}([\w-]+): (.+)$/.exec(line) ?? []
    expect(response.headers.get(name), line).toBe(value)
  }
})

test('lets the page show pictures and play clips from here, and from the store where it has addresses of its own', () => {
  expect(headersFile()).toContain("img-src 'self' blob:; media-src 'self' blob:; connect-src 'self';")
  expect(headersFile('https://store.test')).toContain(
    "img-src 'self' https://store.test blob:; media-src 'self' https://store.test blob:; connect-src 'self' https://store.test;",
  )
})
