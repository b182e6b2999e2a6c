// Draws the pictures in web/public/samples/ that the README's walk and the page use: one person and four garments.
// Run by hand (`node dev/samples.ts`) after changing a drawing; the pictures themselves are in the repository.
// All drawings share the person's 768 × 1024 canvas, so a garment fits the body it is laid on.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

const folder = join(import.meta.dirname, '..', 'web', 'public', 'samples')
const skin = '#e3a77d'
const skinShade = '#cf8f66'

const svg = (viewBox: string, body: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox}" width="${Number(viewBox.split(' ')[2]) * 1.5}">${body}</svg>`

const room = `
  <defs>
    <linearGradient id="wall" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#dfeaf0"/><stop offset="1" stop-color="#f6efe4"/></linearGradient>
  </defs>
  <rect width="768" height="1024" fill="url(#wall)"/>
  <circle cx="384" cy="420" r="330" fill="#ffffff" opacity="0.45"/>
  <rect y="880" width="768" height="144" fill="#e7d9c3"/>
  <ellipse cx="384" cy="952" rx="190" ry="24" fill="#c9b698" opacity="0.75"/>`

const limbs = `
  <g fill="none" stroke-linecap="round" stroke-linejoin="round">
    <path d="M352 560 L344 745 L340 905" stroke="${skin}" stroke-width="58"/>
    <path d="M416 560 L424 745 L428 905" stroke="${skin}" stroke-width="58"/>
    <path d="M384 640 L366 905 M384 640 L402 905" stroke="${skinShade}" stroke-width="3" opacity="0.35"/>
    <path d="M303 300 C282 350 266 405 258 450 L244 545" stroke="${skin}" stroke-width="42"/>
    <path d="M465 300 C486 350 502 405 510 450 L524 545" stroke="${skin}" stroke-width="42"/>
    <path d="M243 560 l-3 22 M250 562 l1 24 M525 560 l3 22 M518 562 l-1 24" stroke="${skin}" stroke-width="14"/>
  </g>
  <path d="M306 915 q34 -14 62 2 l2 26 q-38 14 -86 4 q-4 -22 22 -32z M462 915 q-34 -14 -62 2 l-2 26 q38 14 86 4 q4 -22 -22 -32z" fill="#fdfdfb" stroke="#c8c2b8" stroke-width="3"/>
  <path d="M286 940 q44 10 84 -1 M482 940 q-44 10 -84 -1" fill="none" stroke="#e2674f" stroke-width="6"/>`

const underclothes = `
  <path d="M294 286 Q330 258 384 258 Q438 258 474 286 L462 400 Q456 440 462 480 L470 560 L298 560 L306 480 Q312 440 306 400 Z" fill="${skin}"/>
  <path d="M322 262 Q318 320 300 350 L306 400 Q312 440 306 480 L301 545 L467 545 L462 480 Q456 440 462 400 L468 350 Q450 320 446 262 L422 258 Q418 318 384 320 Q350 318 346 258 Z" fill="#f7f6f3" stroke="#d8d3ca" stroke-width="3" stroke-linejoin="round"/>
  <path d="M301 532 L467 532 L470 640 L396 646 L384 590 L372 646 L298 640 Z" fill="#dcd8d0" stroke="#c4beb3" stroke-width="3" stroke-linejoin="round"/>
  <path d="M301 546 L467 546" stroke="#c4beb3" stroke-width="3"/>`

const head = `
  <path d="M318 150 Q308 62 384 58 Q460 62 450 150 L458 214 Q430 236 384 232 Q338 236 310 214 Z" fill="#4a2f27"/>
  <path d="M360 196 L408 196 L410 262 Q384 286 358 262 Z" fill="${skinShade}"/>
  <ellipse cx="384" cy="150" rx="56" ry="68" fill="${skin}"/>
  <circle cx="328" cy="158" r="11" fill="${skin}"/><circle cx="440" cy="158" r="11" fill="${skin}"/>
  <path d="M326 146 Q322 78 384 76 Q446 78 442 146 Q430 112 396 104 Q360 128 326 146 Z" fill="#5b3a30"/>
  <ellipse cx="362" cy="154" rx="6" ry="7.5" fill="#2f211c"/><ellipse cx="406" cy="154" rx="6" ry="7.5" fill="#2f211c"/>
  <circle cx="364" cy="151" r="2" fill="#fff"/><circle cx="408" cy="151" r="2" fill="#fff"/>
  <path d="M351 138 q10 -7 21 -2 M396 136 q11 -5 21 2" fill="none" stroke="#4a2f27" stroke-width="4.5" stroke-linecap="round"/>
  <path d="M384 160 q-6 12 1 15" fill="none" stroke="${skinShade}" stroke-width="4" stroke-linecap="round"/>
  <path d="M361 186 Q384 208 407 186 Q384 194 361 186 Z" fill="#ffffff" stroke="#a8483f" stroke-width="3.5" stroke-linejoin="round"/>
  <circle cx="346" cy="176" r="10" fill="#e88f76" opacity="0.5"/><circle cx="422" cy="176" r="10" fill="#e88f76" opacity="0.5"/>`

const shirtOutline =
  'M334 252 Q384 300 434 252 Q462 258 482 276 L522 376 L480 398 L468 372 Q464 440 472 568 Q384 574 296 568 Q304 440 300 372 L288 398 L246 376 L286 276 Q306 258 334 252 Z'
const shirt = `
  <path d="${shirtOutline}" fill="#f2f5fa"/>
  <clipPath id="c"><path d="${shirtOutline}"/></clipPath>
  <g clip-path="url(#c)" fill="#d9483b">
    <rect x="180" y="312" width="400" height="22"/><rect x="180" y="356" width="400" height="22"/><rect x="180" y="400" width="400" height="22"/>
    <rect x="180" y="444" width="400" height="22"/><rect x="180" y="488" width="400" height="22"/><rect x="180" y="532" width="400" height="22"/>
  </g>
  <path d="M334 252 Q384 300 434 252" fill="none" stroke="#d9483b" stroke-width="9"/>
  <path d="M300 372 Q298 340 306 318 M468 372 Q470 340 462 318" fill="none" stroke="#8d2f29" stroke-width="3" opacity="0.5"/>
  <path d="${shirtOutline}" fill="none" stroke="#8d2f29" stroke-width="3" stroke-linejoin="round"/>`

const trousers = `
  <path d="M302 524 L466 524 Q478 570 474 640 L464 918 L398 920 L386 662 L382 662 L370 920 L304 918 L294 640 Q290 570 302 524 Z" fill="#3c5f8f" stroke="#26406a" stroke-width="3.5" stroke-linejoin="round"/>
  <path d="M302 524 L466 524 L470 548 L298 548 Z" fill="#33537f" stroke="#26406a" stroke-width="3"/>
  <path d="M384 548 L384 660 M384 548 q14 60 0 84" fill="none" stroke="#26406a" stroke-width="3"/>
  <path d="M310 552 q4 34 -14 44 M458 552 q-4 34 14 44" fill="none" stroke="#d9a441" stroke-width="2.5" stroke-dasharray="6 4"/>
  <path d="M303 650 L312 912 M465 650 L456 912" fill="none" stroke="#d9a441" stroke-width="2" stroke-dasharray="6 4"/>
  <path d="M303 896 L371 898 M465 896 L397 898" fill="none" stroke="#26406a" stroke-width="3"/>
  <path d="M336 600 L330 860 M432 600 L438 860" fill="none" stroke="#6f92c0" stroke-width="16" opacity="0.35" stroke-linecap="round"/>
  <rect x="322" y="520" width="9" height="32" rx="3" fill="#2b4872"/><rect x="437" y="520" width="9" height="32" rx="3" fill="#2b4872"/>
  <circle cx="384" cy="536" r="6" fill="#d9a441"/>`

const jacketHalf = `
  <path d="M338 252 Q306 258 284 280 Q246 330 230 440 L218 540 Q242 552 268 548 L280 470 L300 392 L296 566 Q322 574 348 566 L352 420 Q350 330 338 252 Z" fill="#2f7d5b" stroke="#1d5740" stroke-width="3.5" stroke-linejoin="round"/>
  <path d="M338 252 Q324 268 322 292 L334 318 L326 330 L351 400 Q350 320 338 252 Z" fill="#3f9a72" stroke="#1d5740" stroke-width="3" stroke-linejoin="round"/>
  <path d="M300 392 Q300 350 310 326" fill="none" stroke="#1d5740" stroke-width="3"/>
  <path d="M224 520 Q246 531 271 527" fill="none" stroke="#1d5740" stroke-width="3"/>
  <path d="M302 478 L340 484 L338 530 L301 526 Z" fill="#2a7052" stroke="#1d5740" stroke-width="3" stroke-linejoin="round"/>
  <circle cx="343" cy="440" r="6" fill="#e8c468"/><circle cx="342" cy="500" r="6" fill="#e8c468"/><circle cx="320" cy="492" r="4" fill="#e8c468"/>`
const jacket = `${jacketHalf}<g transform="translate(768 0) scale(-1 1)">${jacketHalf}</g>`

const dressOutline =
  'M334 252 Q384 312 434 252 Q458 256 476 272 L508 352 L470 366 Q452 410 456 440 Q500 610 540 772 Q384 812 228 772 Q268 610 312 440 Q316 410 298 366 L260 352 L292 272 Q310 256 334 252 Z'
const dress = `
  <path d="${dressOutline}" fill="#7a4fa3"/>
  <g fill="#f6d6e8">
    ${[330, 380, 480, 540, 600, 660, 720, 770]
      .flatMap((y, row) => Array.from({ length: 12 }, (_, n) => [200 + n * 34 + (row % 2) * 17, y] as const))
      .filter(([x, y]) => Math.abs(x - 384) < (y < 440 ? 66 : 62 + (y - 440) * 0.24))
      .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="6"/>`)
      .join('')}
  </g>
  <path d="M311 424 Q384 438 457 424 L457 452 Q384 466 311 452 Z" fill="#f0b93f" stroke="#4d2f6b" stroke-width="3"/>
  <path d="M330 500 L296 780 M384 500 L384 790 M438 500 L472 780" stroke="#4d2f6b" stroke-width="3" opacity="0.45"/>
  <path d="${dressOutline}" fill="none" stroke="#4d2f6b" stroke-width="3.5" stroke-linejoin="round"/>`

await mkdir(folder, { recursive: true })
const person = Buffer.from(svg('0 0 768 1024', room + limbs + underclothes + head))
await sharp(person).resize(768, 1024).jpeg({ quality: 86, mozjpeg: true }).toFile(join(folder, 'person.jpg'))
const garments = {
  shirt: ['204 236 360 350', shirt],
  trousers: ['274 508 220 428', trousers],
  jacket: ['204 236 360 350', jacket],
  dress: ['204 236 360 576', dress],
} as const
for (const [name, [viewBox, body]] of Object.entries(garments)) {
  await sharp(Buffer.from(svg(viewBox, body)))
    // Models see no transparency.
    .flatten({ background: '#ffffff' })
    .png({ palette: true, quality: 90 })
    .toFile(join(folder, `${name}.png`))
}
