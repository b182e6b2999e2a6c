// A few notes as a WAVE file: what the simulated audio models answer with. The same words are the same tune.

import { createHash } from 'node:crypto'

const rate = 16_000
/** Of a pentatonic scale: whatever is picked goes together. */
const notes = [262, 294, 330, 392, 440, 523, 587, 659]

export function wave(words: string, seconds: number): Buffer {
  const tune = createHash('sha256').update(words).digest()
  const samples = Buffer.alloc(Math.round(rate * seconds) * 2)
  const noteSeconds = 0.25
  for (let n = 0; n < samples.length / 2; n += 1) {
    const at = n / rate
    const beat = Math.floor(at / noteSeconds)
    const pitch = notes[(tune[beat % tune.length] ?? 0) % notes.length] ?? 440
    const fading = 1 - (at % noteSeconds) / noteSeconds
    samples.writeInt16LE(Math.round(Math.sin(2 * Math.PI * pitch * at) * fading * 9_000), n * 2)
  }
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + samples.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20) // PCM
  header.writeUInt16LE(1, 22) // one channel
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(samples.length, 40)
  return Buffer.concat([header, samples])
}
