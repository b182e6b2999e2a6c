// Opens the store that a deployment has chosen. netlify/runtime.ts and the commands call it.
import { missingFor, type StoreSettings } from '../core/store-choice.ts'
import { openFolderStore } from './folder/store.ts'
import { openNetlifyStore } from './netlify/store.ts'
import type { S3Access } from './s3/client.ts'
import { openS3Store } from './s3/store.ts'
import type { OpenStore } from './store.ts'

/** Throws where a variable is missing that the kind needs. */
export function openStoreOf(settings: StoreSettings): OpenStore {
  const missing = missingFor(settings)
  if (missing.length > 0) throw new Error(`STORAGE=${settings.STORAGE} also needs ${missing.join(', ')}`)
  const { STORAGE_DIR: folder = '' } = settings
  switch (settings.STORAGE) {
    case 'netlify':
      return openNetlifyStore
    case 's3': {
      const access = accessOf(settings)
      return (name, how) => openS3Store(access, name, how)
    }
    case 'folder':
      return (name, how) => openFolderStore(folder, name, undefined, how)
  }
}

const accessOf = (settings: StoreSettings): S3Access => ({
  endpoint: settings.S3_ENDPOINT ?? '',
  publicEndpoint: settings.S3_PUBLIC_ENDPOINT,
  bucket: settings.S3_BUCKET ?? '',
  region: settings.S3_REGION,
  accessKeyId: settings.S3_ACCESS_KEY_ID ?? '',
  secretAccessKey: settings.S3_SECRET_ACCESS_KEY ?? '',
})
