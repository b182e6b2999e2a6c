// Brings pictures to the functions, gives what a start request names them by, and takes back what isn't wanted there. Forms call it.
import { StepgateError } from '../client.ts'
import { client, currentUser } from '../session.ts'
import { isUploaded, type Picture } from './picture.ts'

/** Sends what wasn't sent yet, two at a time: a phone's upstream is narrow. */
export async function uploadAll(pictures: readonly Picture[], onProgress: (done: number) => void): Promise<void> {
  const waiting = pictures.filter((picture) => !isUploaded(picture))
  let done = pictures.length - waiting.length
  onProgress(done)
  const worker = async () => {
    try {
      for (let picture = waiting.shift(); picture; picture = waiting.shift()) {
        const url = await upload(picture.blob)
        picture.uploaded = { url, user: currentUser() }
        done += 1
        onProgress(done)
      }
    } finally {
      // After a failure the other one sends no more, either.
      waiting.length = 0
    }
  }
  const workers = [worker(), worker()]
  // What is on its way is waited for: its progress would otherwise be told of a form that nobody sends any more.
  await Promise.allSettled(workers)
  await Promise.all(workers)
}

/** A picture that leaves its form is deleted where it was sent. Without an answer it goes by itself, after a day. */
export function dropUpload(picture: Picture | undefined): void {
  const { url } = (picture && isUploaded(picture) && picture.uploaded) || {}
  // A result that a form began with stays, and so does a picture that travels inside the request.
  if (url?.includes('/api/upload?')) client.delete({ upload: url }).catch(() => undefined)
  if (url) delete picture?.uploaded
}

/** Functions without an upload, or with one for pictures alone, take a file inside the request. */
export async function upload(blob: Blob): Promise<string> {
  try {
    return await client.upload(blob)
  } catch (error) {
    const isUnwanted = error instanceof StepgateError && error.status === 415 && !blob.type.startsWith('image/')
    const isUnknown = error instanceof StepgateError && error.status === 404
    if (isUnwanted || isUnknown) return dataUri(blob)
    throw error
  }
}

let sent = new WeakMap<Blob, string>()

/** The same for any file: a retry doesn't send it again. */
export async function uploadOnce(file: Blob): Promise<string> {
  const url = sent.get(file) ?? (await upload(file))
  sent.set(file, url)
  return url
}

/** What was sent is gone there, or may be: it is sent again. */
export function forgetUploads(pictures: readonly Picture[]): void {
  for (const picture of pictures) delete picture.uploaded
  sent = new WeakMap()
}

function dataUri(blob: Blob): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const reader = new FileReader()
  reader.onload = () => resolve(String(reader.result))
  reader.onerror = () => reject(reader.error)
  reader.readAsDataURL(blob)
  return promise
}
