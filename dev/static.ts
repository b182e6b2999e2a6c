// The page's files, as Netlify's CDN would serve them. router.ts asks it for whatever no door takes. It promises to serve what lies in
// its folder and nothing else: no dot file, no link or path that leads out. A visitor of any other address gets 404.html.
import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pageHeaders } from '../build/page-headers.ts'

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

export interface PageFiles {
  folder: string | URL
  /** Where the page's pictures come from, if not from here alone. */
  storeOrigin?: string | undefined
}

export async function serveStatic(
  { folder, storeOrigin }: PageFiles,
  pathname: string,
  request: Request,
): Promise<Response | undefined> {
  const root = folder instanceof URL ? fileURLToPath(folder) : folder
  const found = await locate(root, pathname)
  const file = found ?? (isVisit(pathname, request) ? await locate(root, '/404.html') : undefined)
  if (!file) return undefined
  const content = await readFile(file)
  const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 32)}"`
  const headers = { ...pageHeaders(storeOrigin), ETag: etag, 'Cache-Control': 'no-cache' }
  if (found && request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  const type = types[extname(file).toLowerCase()] ?? 'application/octet-stream'
  return new Response(content, {
    status: found ? 200 : 404,
    headers: { ...headers, 'Content-Type': type, 'Content-Length': String(content.byteLength) },
  })
}

const isVisit = (pathname: string, { headers }: Request): boolean =>
  !pathname.startsWith('/api/') && /\btext\/html\b/i.test(headers.get('accept') ?? '')

/** The real path of a file inside of `folder`, or undefined. */
async function locate(folder: string, pathname: string): Promise<string | undefined> {
  try {
    const path = decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname)
    if (path.includes('\0') || path.split(/[/\\]/).some((part) => part.startsWith('.'))) return undefined
    const root = await realpath(resolve(folder))
    const file = await realpath(join(root, path))
    return file.startsWith(root + sep) && (await stat(file)).isFile() ? file : undefined
  } catch (error) {
    if (error instanceof URIError || isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(String(error.code))
}
