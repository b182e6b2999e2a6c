// Addresses that others wrote: read once, kept as they were read.
import { expect, test } from 'vitest'
import { isAmbiguous, lacksBytes, parseWebAddress, readOutputAddress, withoutBytes } from '../../core/web-address.ts'

test.each([
  ['a space and capitals', ' https://Shop.Example/a b.jpg ', 'https://shop.example/a%20b.jpg'],
  ['an international name', 'http://bücher.example/é', 'http://xn--bcher-kva.example/%C3%A9'],
  ['dots in the path', 'https://shop.example/x/../a.jpg', 'https://shop.example/a.jpg'],
])('an address with %s is kept as it was parsed', (_name, typed, kept) => {
  expect(parseWebAddress(typed)?.href).toBe(kept)
  expect(readOutputAddress(typed)).toBe(kept)
})

test.each([
  'https://shop.example\\@evil.example/a.jpg',
  'https:\\\\shop.example/a.jpg',
  'https://shop.example/\u0000a',
  'https://shop.exa\tmple/a',
  'https://shop.example/a\r\nx: y',
  'https://shop.example/\u007f',
])('an address that can be read in two ways is none: %j', (typed) => {
  expect(isAmbiguous(typed)).toBe(true)
  expect(parseWebAddress(typed)).toBeUndefined()
  expect(readOutputAddress(typed)).toBeUndefined()
})

test.each([7, null, 'a.jpg', '//shop.example/a', 'ftp://shop.example/a', 'file:///etc/passwd', 'javascript:0'])(
  'what is no address on the web is none: %j',
  (typed) => {
    expect(parseWebAddress(typed)).toBeUndefined()
    expect(readOutputAddress(typed)).toBeUndefined()
  },
)

test('a data URI is an output, and a row keeps nothing of its bytes', () => {
  const inline = 'data:image/png;base64,iVBORw0KGgo='
  expect(readOutputAddress(inline)).toBe(inline)
  const spelled = ' DATA:image/png; name="a b.png"; BASE64,iVBORw0KGgo='
  expect(readOutputAddress(spelled)).toBe(spelled)
  expect(withoutBytes(spelled)).toBe('data:,')
  expect(readOutputAddress('data:no comma')).toBeUndefined()
  expect(withoutBytes(inline)).toBe('data:,')
  expect([lacksBytes('data:,'), lacksBytes(inline)]).toEqual([true, false])
  expect(withoutBytes('https://files.example/a.png')).toBe('https://files.example/a.png')
})
