// What follows from the kind of a recipe's output: when its predictions are checked, what its files may be, and how they are read out
// of a provider's answer. define.ts fills a recipe with it.
import type { OutputKind, Timing } from '../core/recipe.ts'

export const profiles = ['image', 'video', 'training'] as const
export type Profile = (typeof profiles)[number]

interface Pace {
  stepSeconds: number
  timing: Timing
}

const hour = 3_600
const gateSeconds = 7 * 24 * hour

export const paces: Readonly<Record<Profile, Pace>> = {
  /** Seconds to a minute. Replicate ends a run after 30 minutes; the rest of the limit is its queue. */
  image: {
    stepSeconds: 15,
    timing: {
      ...{ firstCheckSeconds: 2, minCheckSeconds: 2, maxCheckSeconds: 15, watchSeconds: hour, slowCheckSeconds: hour },
      ...{ limitSeconds: hour, gateSeconds, unconfirmedSeconds: hour },
    },
  },
  /** A minute or a few. */
  video: {
    stepSeconds: 60,
    timing: {
      ...{ firstCheckSeconds: 10, minCheckSeconds: 5, maxCheckSeconds: 30, watchSeconds: hour, slowCheckSeconds: hour },
      ...{ limitSeconds: 2 * hour, gateSeconds, unconfirmedSeconds: hour },
    },
  },
  /**
   * Minutes to hours. For half a minute fal may not know it yet; and its list may leave out what runs, so that it can't say no: a training
   * is searched for until the limit, and never made again.
   */
  training: {
    stepSeconds: 1_800,
    timing: {
      ...{ firstCheckSeconds: 30, minCheckSeconds: 60, maxCheckSeconds: 60, watchSeconds: hour },
      ...{ slowCheckSeconds: hour, limitSeconds: 24 * hour, gateSeconds, unconfirmedSeconds: 24 * hour },
    },
  },
}

export const paceOf: Readonly<Record<OutputKind, Profile>> = {
  image: 'image',
  video: 'video',
  audio: 'image',
  file: 'training',
}

interface Files {
  accept: readonly string[]
  maxBytes: number
  /** Where fal's models put files of this kind; Replicate's give an address or a list of them. */
  members: readonly string[]
  /** What an example's file is called, and what it is. */
  named: string
  type: string
}

const images = ['image/png', 'image/jpeg', 'image/webp']

export const filesOf: Readonly<Record<OutputKind, Files>> = {
  image: {
    accept: images,
    maxBytes: 25_000_000,
    members: ['images', 'image'],
    named: 'output.jpg',
    type: 'image/jpeg',
  },
  video: {
    accept: ['video/mp4', 'video/webm', 'video/quicktime'],
    maxBytes: 300_000_000,
    members: ['video', 'videos'],
    named: 'output.mp4',
    type: 'video/mp4',
  },
  audio: {
    accept: [
      'audio/mpeg',
      'audio/wav',
      'audio/ogg',
      'audio/ogg; codecs=opus',
      'audio/flac',
      'audio/mp4',
      'audio/x-m4a',
    ],
    maxBytes: 100_000_000,
    members: ['audio', 'audio_file', 'audio_url'],
    named: 'output.mp3',
    type: 'audio/mpeg',
  },
  file: {
    accept: ['application/x-safetensors', 'application/zip', 'application/json'],
    maxBytes: 1_000_000_000,
    members: [],
    named: 'output.zip',
    type: 'application/zip',
  },
}
