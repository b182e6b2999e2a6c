// What an uploaded image may be, and how it is named: `/api/upload?id=…`, in answers and in start requests alike. The id's first part is the hour in which it
// was stored, so that old uploads are found without a record of them.

const path = '/api/upload'
const ids = /^(\d{10})-[0-9a-f]{32}$/

/** What models take; others are refused, whatever they are called. */
export const imageTypes = ['image/png', 'image/jpeg', 'image/webp'] as const
/** What trainers take: photos in one file. */
export const archiveType = 'application/zip'
/** Of a file that is uploaded, or sent inside a start request. */
export const maxImageBytes = 4 * 1024 * 1024

/** Of what is kept of it: a zip file written anew may be a little larger than it came. A provider that can't reach us is sent as much. */
export const maxStoredBytes = 5_000_000

/** From an upload's hour to its deletion: nobody takes longer to start a task with it. */
const keptHours = 24

export const uploadUrl = (id: string): string => `${path}?id=${id}`

/** The id in an upload's address, or undefined where it is no such address. Whose it is, and whether it is there, is not said. */
export function uploadId(url: string): string | undefined {
  const id = url.startsWith(`${path}?id=`) ? url.slice(path.length + 4) : ''
  return ids.test(id) ? id : undefined
}

/** UTC, as `2026030112`: sorts by time. */
export const hourOf = (instant: Date): string => instant.toISOString().slice(0, 13).replaceAll(/\D/g, '')

export const makeUploadId = (now: Date, random: string): string => `${hourOf(now)}-${random}`

/** Where an upload is stored, for an owner as `engine/uploads.ts` writes one. */
export function uploadKey(owner: string, id: string): string {
  const [hour, random] = id.split('-')
  return `uploads/${hour}/${owner}/${random}`
}

/** What the copy that a task gets of an upload is called there: whoever erases the task finds the upload by it. */
export const copyName = (number: number, id: string): string => `${number}-${id}`

/** The uploads that a task has copied, by the names of its copies in any part of its row. */
export function copiedUploads(taskId: string, parts: unknown): string[] {
  const names = JSON.stringify(parts).matchAll(
    /"file:inputs\/([0-9a-f-]{36})\/(?:[^/"]+\/)?\d+-(\d{10}-[0-9a-f]{32})"/g,
  )
  return [...new Set([...names].flatMap(([, owner, id]) => (owner === taskId && id ? [id] : [])))]
}

/** Whether everything that was stored in this hour is to be deleted. */
export function isHourOver(hour: string, now: Date): boolean {
  return hour <= hourOf(new Date(now.getTime() - (keptHours + 1) * 3_600_000))
}
