// Finds door modules, and matches requests to them by each door's own `config`, as Netlify's routing does. dev/router.ts and bundle.ts
// call it.
import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Config, Context } from '@netlify/functions'

export type DoorHandler = (request: Request, context: Context) => Response | Promise<Response>

export interface Door {
  name: string
  handle: DoorHandler
  config: Config
  /** What the path gives for each of its parameters, where it is one of the door's. */
  match(pathname: string): Record<string, string> | undefined
  /** Undefined: every method. */
  methods: readonly string[] | undefined
  /** Scheduled doors have no path and take no request. */
  schedule: string | undefined
}

/** Imports every module of a folder; one without a handler or a config is an error that names it. */
export async function loadDoors(folder: URL): Promise<Door[]> {
  const files = (await readdir(folder)).filter((file) => /\.(m?ts|mjs)$/.test(file) && !file.endsWith('.d.ts')).sort()
  return Promise.all(
    files.map(async (file) => {
      const module: { default?: unknown; config?: Config } = await import(
        new URL(file, `${folder.href.replace(/\/$/, '')}/`).href
      )
      const name = basename(file).replace(/\.(m?ts|mjs)$/, '')
      const { default: handle, config } = module
      if (typeof handle !== 'function') throw new Error(`Door ${name} has no default export to handle requests with`)
      if (!config?.path && !config?.schedule)
        throw new Error(`Door ${name} has a config with neither path nor schedule`)
      return openDoor(name, handle as DoorHandler, config)
    }),
  )
}

export function openDoor(name: string, handle: DoorHandler, config: Config): Door {
  const { path, method, schedule } = config
  return {
    name,
    handle,
    config,
    match: matcherOf(listOf(path)),
    methods: method && listOf(method),
    schedule,
  }
}

function matcherOf(paths: readonly string[]): Door['match'] {
  const literal = new Set(paths.filter((path) => !/[^\w/.-]/.test(path)))
  const patterns = paths.filter((path) => !literal.has(path)).map((pathname) => new URLPattern({ pathname }))
  return (pathname) => {
    if (literal.has(pathname)) return {}
    const groups = patterns.map((pattern) => pattern.exec({ pathname })?.pathname.groups).find(Boolean)
    return groups && definedOf(groups)
  }
}

const listOf = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

type Match =
  | { kind: 'door'; door: Door; params: Record<string, string> }
  | { kind: 'method'; allow: string[] }
  | { kind: 'none' }

/** A trailing slash changes nothing; params stay as they are in the URL, undecoded. Both are so in production. */
export function matchDoor(doors: readonly Door[], method: string, pathname: string): Match {
  const path = pathname.length > 1 && pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  const allow = new Set<string>()
  for (const door of doors) {
    const params = door.match(path)
    if (!params) continue
    if (!door.methods || door.methods.includes(method)) return { kind: 'door', door, params }
    for (const allowed of door.methods) allow.add(allowed)
  }
  return allow.size > 0 ? { kind: 'method', allow: [...allow].sort() } : { kind: 'none' }
}

function definedOf(groups: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
