// Frees a garment from its background, so that it can be laid on a person; draw.ts calls it.
// The near-white that touches the edge goes, which leaves white inside the garment's outline alone (and opens the front of
// an open jacket). Like the model's own code it doesn't turn a picture by its EXIF, and sees no transparency: what was
// transparent shows whatever colour lies there.

import sharp from 'sharp'

export interface Cutout {
  readonly data: Buffer
  readonly width: number
  readonly height: number
}

const longestSide = 800
const nearWhite = 235

/** The garment as raw RGBA, cropped to what is visible. A garment of which nothing is left keeps its whole frame. */
export async function cutOut(garment: Uint8Array): Promise<Cutout> {
  const { data, info } = await sharp(garment)
    .removeAlpha()
    .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const original = Buffer.from(data)
  clearBackground(data, width, height)
  const box = visibleBox(data, width, height)
  if (box === undefined) return { data: original, width, height }
  const cropped = await sharp(data, { raw: { width, height, channels: 4 } })
    .extract(box)
    .raw()
    .toBuffer()
  return { data: cropped, width: box.width, height: box.height }
}

function clearBackground(data: Buffer, width: number, height: number): void {
  const open: number[] = []
  const visit = (pixel: number) => {
    const at = pixel * 4
    if (data[at + 3] === 0) return
    if (Math.min(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0) < nearWhite) return
    data[at + 3] = 0
    open.push(pixel)
  }
  for (let x = 0; x < width; x += 1) {
    visit(x)
    visit((height - 1) * width + x)
  }
  for (let y = 0; y < height; y += 1) {
    visit(y * width)
    visit(y * width + width - 1)
  }
  for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
    const x = pixel % width
    if (x > 0) visit(pixel - 1)
    if (x < width - 1) visit(pixel + 1)
    if (pixel >= width) visit(pixel - width)
    if (pixel < width * (height - 1)) visit(pixel + width)
  }
}

function visibleBox(data: Buffer, width: number, height: number) {
  let left = width
  let right = -1
  let top = height
  let bottom = -1
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if ((data[(y * width + x) * 4 + 3] ?? 0) < 16) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = y
    }
  }
  if (right < 0) return undefined
  return { left, top, width: right - left + 1, height: bottom - top + 1 }
}
