import { expect, test } from 'vitest'
import { decodeDataUri, parseDataUri, unknownType } from '../../core/data-uri.ts'

const bytes = new Uint8Array([0xff, 0xd8, 0xfb, 0xef, 0x3e, 0x00, 0x41])
const base64 = Buffer.from(bytes).toString('base64')

test.each([
  ['as the standard has it', `data:image/jpeg;base64,${base64}`],
  ['by an unregistered name', `data:image/jpg;base64,${base64}`],
  ['in upper case', `DATA:IMAGE/JPEG;BASE64,${base64}`],
  ['with a parameter', `data:image/jpeg;charset=utf-8;base64,${base64}`],
  ['with blanks around', ` data:image/jpeg; base64,${base64}\n`],
  ['without padding', `data:image/jpeg;base64,${base64.replace(/=+$/, '')}`],
  ['in the alphabet of addresses', `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64url')}`],
  ['in folded lines', `data:image/jpeg;base64,${base64.slice(0, 4)}\r\n${base64.slice(4)}`],
  ['with a quoted name', `data:image/jpeg;name="my, photo; 2.jpg";base64,${base64}`],
  ['with parameters in any order', `data:image/jpeg;base64;charset=utf-8,${base64}`],
  ['with base64 percent-encoded', `data:image/jpeg;base64,${encodeURIComponent(base64)}`],
  ['percent-encoded', `data:image/jpeg,${[...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`],
])('a data URI %s is read', (_name, text) => {
  const uri = parseDataUri(text)
  expect(uri?.type).toBe('image/jpeg')
  expect(uri && decodeDataUri(uri)).toEqual(bytes)
})

test.each(['data:;base64,', 'data:application/octet-stream;base64,', 'data:binary/octet-stream;base64,'])(
  'one without a type of its own is of the unknown: %s',
  (head) => expect(parseDataUri(head + base64)).toEqual({ type: unknownType, isBase64: true, data: base64 }),
)

test('data without percent signs and base64 is itself', () => {
  expect(decodeDataUri({ type: '', isBase64: false, data: 'hello' })).toEqual(new TextEncoder().encode('hello'))
})

test.each([
  '',
  'data:',
  'data:image/png;base64',
  'https://a.test/data:,',
  'data:image/png;name="a,b',
  `data:${'x'.repeat(300)},a`,
])('%j is none', (text) => expect(parseDataUri(text)).toBeUndefined())

test.each([
  'data:image/png;base64,!!!!',
  'data:image/png;base64,A',
  'data:image/png;base64,',
  ...['%f', '%', '%4g', '%g4', '%:0', '%/0', 'a%', '%41Ł', 'Ł'].map((data) => `data:image/png,${data}`),
  'data:image/png;base64,ŁŁŁŁ',
])('the data of %s is not whole', (text) => {
  const uri = parseDataUri(text)
  expect(uri && decodeDataUri(uri)).toBeUndefined()
})
