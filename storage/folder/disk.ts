// The few things that a folder store does to a disk. store.ts works on it; the fault simulation hands in one of its own.
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import type { ByteRange } from '../store.ts'

export interface Entry {
  name: string
  isFolder: boolean
}

/** A file as it was when it was opened, whatever takes its place meanwhile. Reading its stream to the end closes it. */
export interface OpenFile {
  size: number
  bytes(range: ByteRange): Promise<Uint8Array>
  stream(range: ByteRange): ReadableStream<Uint8Array>
  close(): Promise<void>
}

export interface Disk {
  /** Writes a new file, with the folders above it. It is on the disk when this resolves. */
  create(path: string, pieces: readonly Uint8Array[]): Promise<void>
  /** Takes the place of what is there. On the disk, too. */
  rename(from: string, to: string): Promise<void>
  open(path: string): Promise<OpenFile | undefined>
  size(path: string): Promise<number>
  /** Whether it is there or not. */
  remove(path: string): Promise<void>
  /** Nothing where there is no such folder. */
  entries(folder: string): Promise<Entry[]>
  /** False: something lies in it, or it is gone. */
  removeIfEmpty(folder: string): Promise<boolean>
}

/** Nobody but the owner may read any of it: it holds photographs of people. */
const folderMode = 0o700
const fileMode = 0o600

export const realDisk: Disk = {
  create: async (path, pieces) => {
    await mkdir(dirname(path), { recursive: true, mode: folderMode })
    const file = await open(path, 'wx', fileMode)
    try {
      // Each goes on until all of it is written: `writev` counts what a full disk took, and calls that a success.
      for (const piece of pieces) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  rename: async (from, to) => {
    await rename(from, to)
    await syncFolder(dirname(to))
  },
  open: async (path) => {
    const file = await unlessAbsent(open(path))
    if (!file) return undefined
    const { size } = await file.stat()
    return {
      size,
      bytes: async ({ start, end }) => {
        const bytes = new Uint8Array(end - start + 1)
        const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, start)
        return bytes.subarray(0, bytesRead)
      },
      stream: ({ start, end }) =>
        Readable.toWeb(createReadStream(path, { fd: file, start, end })) as ReadableStream<Uint8Array>,
      close: () => file.close(),
    }
  },
  size: async (path) => (await unlessAbsent(stat(path)))?.size ?? 0,
  remove: (path) => rm(path, { force: true }),
  entries: async (folder) => {
    const entries = (await unlessAbsent(readdir(folder, { withFileTypes: true }))) ?? []
    return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
  },
  removeIfEmpty: async (folder) => {
    try {
      await rmdir(folder)
      return true
    } catch (error) {
      if (isAbsent(error) || codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false
      throw error
    }
  },
}

/** A new name is lost with the power unless its folder is written, too. Windows has no such call, and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const file = await unlessAbsent(open(folder))
  if (!file) return
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** Not there, or somebody has removed a folder above it. */
export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}
