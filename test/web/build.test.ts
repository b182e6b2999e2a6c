// What the page weighs, and that its Content-Security-Policy needs no exception.
import { readdir, readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { publishPage } from '../../build/publish.ts'
import { pageFolder } from '../../dev/page.ts'

const folder = await pageFolder()
const page = await readFile(new URL('index.html', folder), 'utf8')

test('all scripts together are under 60 kB, compressed', async () => {
  const entry = /src="\/(assets\/[^"]+\.js)"/.exec(page)?.[1] ?? ''
  const main = await readFile(new URL(entry, folder), 'utf8')
  const later = (await readdir(new URL('assets/', folder))).filter(
    (name) => name.endsWith('.js') && main.includes(name),
  )
  const scripts = await Promise.all(later.map((name) => readFile(new URL(`assets/${name}`, folder))))
  const bytes = [Buffer.from(main), ...scripts].reduce((sum, script) => sum + gzipSync(script).byteLength, 0)
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(60_000)
})

test('nothing is inline, and nothing comes from elsewhere', () => {
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=/)
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
})

test('a page draws what is offered with the keys of its build, whichever was built before', async () => {
  const drawn = async () => {
    const built = await pageFolder()
    const [, entry = ''] =
      /src="\/(assets\/[^"]+\.js)"/.exec(await readFile(new URL('index.html', built), 'utf8')) ?? []
    const script = await readFile(new URL(entry, built), 'utf8')
    return ['try-on', 'avatar'].filter((name) => new RegExp(`name:["'\`]${name}["'\`]`).test(script))
  }
  expect(await drawn()).toEqual(['try-on', 'avatar'])
  vi.stubEnv('REPLICATE_API_TOKEN', 'r8_a-token-of-a-test')
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await drawn()).toEqual(['try-on'])
  vi.unstubAllEnvs()
  expect(await drawn()).toEqual(['try-on', 'avatar'])
})

test('a deploy publishes the page that was built for it, and its headers name the bucket', async () => {
  const published = await publishPage({ S3_BUCKET: 'files', S3_ENDPOINT: 'https://s3.example', STORAGE: '' })
  const toml = await readFile(new URL('../../netlify.toml', import.meta.url), 'utf8')
  const [, folder] = /^publish = "(.+)"$/m.exec(toml) ?? []
  expect(published.href).toBe(new URL(`../../${folder}/`, import.meta.url).href)
  expect(await readFile(new URL('index.html', published), 'utf8')).toMatch(/src="\/assets\/[^"]+\.js"/)
  expect(await readFile(new URL('_headers', published), 'utf8')).toContain("img-src 'self' https://s3.example blob:")
})
