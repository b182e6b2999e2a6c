// Draws the card that the simulated text-to-image models answer with: the prompt on a background of its own.
// The providers' halves call it once for each output; seed and number make cards of one prompt differ.

import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { encoded, type Picture } from './draw.ts'

interface CardRequest {
  readonly prompt: string
  readonly seed: number
  readonly format: 'webp' | 'jpg' | 'png'
  readonly aspectRatio: string
}

const area = 640 * 640
const charactersALine = 20
const mostLines = 8

export async function drawCard(request: CardRequest): Promise<Picture> {
  const [across = 1, down = 1] = request.aspectRatio.split(':').map(Number)
  const width = Math.round(Math.sqrt((area * across) / down))
  const height = Math.round(area / width)
  const image = sharp(Buffer.from(cardSvg(request, width, height)))
  return encoded(image, request.format)
}

function cardSvg({ prompt, seed }: CardRequest, width: number, height: number): string {
  const noise = createHash('sha256').update(`${seed} ${prompt}`).digest()
  const at = (index: number, most: number) => ((noise[index] ?? 0) * most) / 255
  const hue = at(0, 360)
  const bubbles = Array.from({ length: 9 }, (_, n) => {
    const radius = 20 + at(n * 3 + 1, width / 7)
    return `<circle cx="${at(n * 3 + 2, width)}" cy="${at(n * 3 + 3, height)}" r="${radius}" fill="#fff" opacity="0.14"/>`
  })
  const lines = wrap(prompt)
  const size = Math.min(width / 13, height / (lines.length + 2))
  const first = height / 2 - ((lines.length - 1) * size * 1.2) / 2 + size / 3
  const text = lines.map((line, n) => `<text x="50%" y="${first + n * size * 1.2}">${escapeXml(line)}</text>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">
      <stop offset="0" stop-color="hsl(${hue},62%,52%)"/><stop offset="1" stop-color="hsl(${hue + 70},62%,34%)"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/>${bubbles.join('')}
    <g font-family="DejaVu Sans, Arial, sans-serif" font-weight="bold" font-size="${size}" fill="#fff"
      stroke="#0006" stroke-width="1" text-anchor="middle">${text.join('')}</g></svg>`
}

/** A band across the bottom of a picture with what was asked. */
export function captionSvg(prompt: string, width: number, height: number): string {
  const lines = wrap(prompt).slice(0, 4)
  const size = Math.min(width / 15, height / 12)
  const band = size * 1.25 * lines.length + size
  const text = lines.map(
    (line, n) => `<text x="50%" y="${height - band + size * (1.25 * n + 1.3)}">${escapeXml(line)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect y="${height - band}" width="100%" height="${band}" fill="#000" opacity="0.6"/>
    <g font-family="DejaVu Sans, Arial, sans-serif" font-weight="bold" font-size="${size}" fill="#fff"
      text-anchor="middle">${text.join('')}</g></svg>`
}

function wrap(prompt: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of prompt.split(/\s+/).filter(Boolean)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > charactersALine && line !== '') {
      lines.push(line)
      line = word.slice(0, charactersALine + 6)
    } else line = longer.slice(0, charactersALine + 6)
  }
  lines.push(line)
  return lines.length > mostLines ? [...lines.slice(0, mostLines - 1), '…'] : lines
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML refuses these, and a prompt may hold them.
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g
const escapeXml = (text: string) =>
  text.replace(unprintable, '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
