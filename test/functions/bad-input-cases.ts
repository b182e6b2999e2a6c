// The table of malformed requests: what is sent to which endpoint, and the refusal that says what is wrong with it.
import type { Call } from '../setup/client.ts'
import { png } from '../storage/setup.ts'
import { choiceCases } from './bad-choice-cases.ts'

/** What the requests can speak of. All of it is there before each case, and is the same after it. */
export interface Known {
  /** A waiting task of ada, who asks, with a stored result. */
  own: string
  /** The same of eve. */
  foreign: string
}

export interface Case {
  name: string
  endpoint: string
  call: Call | ((known: Known) => Call)
  status: number
  code: string
  /** The wrong field. */
  path?: string
  /** Headers that the refusal must have. */
  headers?: Record<string, string>
  /** Words of the detail. */
  says?: RegExp
}

const person_image = 'https://images.test/ada.jpg'
const shirt = 'https://images.test/shirt.png'
const fine = { person_image, garments: [shirt] }
const path = '/api/start'

const started = (name: string, body: unknown, field: string, more: Partial<Case> = {}): Case => ({
  ...{
    name: `start: ${name}`,
    endpoint: 'start',
    call: { path, body },
    status: 400,
    code: 'invalid_request',
    path: field,
  },
  ...more,
})

const many = (count: number) => Array.from({ length: count }, () => shirt)
const garment = (more: object) => ({ person_image, garments: [{ image: shirt, ...more }] })

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth)
const fineWith = (more: string) => `${JSON.stringify(fine).slice(0, -1)},${more}}`
const keys = (count: number) => Array.from({ length: count }, (_, index) => `"k${index}":0`).join()

/** JSON that is read quickly, and whose size or depth would take whoever walks it too far. */
const boundless: [string, string, string][] = [
  ['lists nested 4,000 deep', nested(4_000, '[', ']'), ''],
  ['lists nested three million deep', nested(3_000_000, '[', ']'), ''],
  ['an unknown field nested 4,000 deep', fineWith(`"deep":${nested(4_000, '[', ']')}`), ''],
  [
    'a garment nested 4,000 deep',
    `{"person_image":"${person_image}","garments":[${nested(4_000, '{"image":', '}').replace(':}', ':0}')}]}`,
    '',
  ],
  ['400,000 unknown fields', fineWith(keys(400_000)), ''],
  ['400,000 garments', JSON.stringify({ person_image, garments: Array(400_000).fill(0) }), ''],
  ['1,000 unknown fields', fineWith(keys(1_000)), 'k0'],
  ['1,000 wrong garments', JSON.stringify({ person_image, garments: Array(1_000).fill(0) }), 'garments'],
  ['a field with a name of 5 MB', fineWith(`"${'x'.repeat(5_000_000)}":0`), `${'x'.repeat(99)}…`],
]

const startCases: Case[] = [
  started('no body', '', '', { code: 'invalid_json' }),
  started('not JSON', 'person_image=ada', '', { code: 'invalid_json' }),
  started('JSON that ends early', '{"person_image":', '', { code: 'invalid_json' }),
  ...['null', '[]', '"text"', '7', 'true'].map((body) => started(`${body} instead of an object`, body, '')),
  started('an unknown recipe', { ...fine, recipe: 'haircut' }, 'recipe', { says: /known are: try-on/ }),
  started('a recipe named like a member of objects', { ...fine, recipe: 'constructor' }, 'recipe'),
  started('a recipe that is a number', { ...fine, recipe: 7 }, 'recipe'),
  started('an over-long recipe', { ...fine, recipe: 'x'.repeat(65) }, 'recipe'),
  started('auto_continue that is a word', { ...fine, auto_continue: 'yes' }, 'auto_continue'),
  started('no person', { garments: [shirt] }, 'person_image', { says: /: is required/ }),
  started('a person that is a number', { ...fine, person_image: 7 }, 'person_image'),
  started('no garments', { person_image }, 'garments'),
  started('an empty list of garments', { person_image, garments: [] }, 'garments'),
  started('11 garments', { person_image, garments: many(11) }, 'garments'),
  started('garments that are one URL', { person_image, garments: shirt }, 'garments'),
  started('a garment that is a number', { person_image, garments: [shirt, 7] }, 'garments.1'),
  started('a garment that is null', { person_image, garments: [null] }, 'garments.0'),
  started('a garment without image', { person_image, garments: [{}] }, 'garments.0.image', { says: /: is required/ }),
  started('an unknown category', garment({ category: 'shoes' }), 'garments.0.category'),
  started('an over-long description', garment({ description: 'x'.repeat(501) }), 'garments.0.description'),
  started('an empty description', garment({ description: ' ' }), 'garments.0.description'),
  started('an over-long hint', { ...fine, prompt_hints: 'x'.repeat(501) }, 'prompt_hints'),
  started('an unknown field', { ...fine, colour: 'red' }, 'colour', { says: /is not a field/ }),
  started('an unknown field of a garment', garment({ size: 'M' }), 'garments.0.size'),
  started('a NUL in a text', { ...fine, prompt_hints: 'a\0b' }, 'prompt_hints'),
  started('a NUL in a URL', { ...fine, person_image: `${person_image}\0` }, 'person_image'),
  started('a NUL in a name', { ...fine, 'a\0b': 1 }, ''),
  ...['', ' ', 'two words', 'ü', 'x'.repeat(256)].map((key) =>
    started(`the Idempotency-Key "${key.slice(0, 12)}"`, '', 'Idempotency-Key', {
      call: { path, body: fine, headers: { 'idempotency-key': key } },
    }),
  ),
  started('an Idempotency-Key of another request', '', '', {
    call: { path, body: fine, headers: { 'idempotency-key': 'used' } },
    ...{ status: 422, code: 'idempotency_mismatch' },
  }),
  started('an Idempotency-Key of another request, with an image inside', '', '', {
    call: {
      body: { ...fine, person_image: `data:image/png;base64,${png(200).toString('base64')}` },
      ...{ path, headers: { 'idempotency-key': 'used' } },
    },
    ...{ status: 422, code: 'idempotency_mismatch' },
  }),
  ...boundless.map(([name, body, path]) => started(name, body, path, { says: /^.{1,400}$/ })),
  started('a body over 6 MB', { ...fine, padding: 'x'.repeat(6 * 1024 * 1024) }, '', {
    ...{ status: 413, code: 'body_too_large' },
  }),
]

/** Addresses that no provider may be sent to, as the person and as a garment. */
const badAddresses = [
  ...['not a URL', '', 'https://', '//images.test/a.png', '/api/result', 'file:results/a/1/p/0', 'file:///etc/passwd'],
  ...['http://images.test/a.png', 'ftp://images.test/a.png', 'javascript:alert(1)', 'blob:https://images.test/1'],
  ...['https://ada@images.test/a.png', 'https://ada:secret@images.test/a.png', 'https://:secret@images.test/a.png'],
  ...['https://localhost/a', 'https://localhost./a', 'https://LOCALHOST/a', 'https://api.localhost/a', 'https://db/a'],
  ...[
    'https://printer.local/a',
    'https://metadata.google.internal/a',
    'https://nas.lan/a',
    'https://1.0.0.127.in-addr.arpa',
  ],
  ...['https://127.0.0.1/a', 'https://127.0.0.1:8443/a', 'https://127.1/a', 'https://2130706433/a', 'https://0x7f.1/a'],
  ...['https://0177.0.0.1/a', 'https://0/a', 'https://0.0.0.0/a', 'https://127.0.0.1./a', 'https://１２７.0.0.1/a'],
  ...['https://10.0.0.1/a', 'https://10.255.255.255/a', 'https://172.16.0.1/a', 'https://172.31.9.9/a'],
  ...[
    'https://192.168.0.1/a',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/a',
    'https://198.18.0.1/a',
  ],
  ...['https://192.0.2.1/a', 'https://224.0.0.1/a', 'https://255.255.255.255/a', 'https://240.0.0.1/a'],
  ...['https://[::1]/a', 'https://[::]/a', 'https://[0:0:0:0:0:0:0:1]/a', 'https://[::ffff:127.0.0.1]/a'],
  ...['https://[::ffff:10.0.0.1]/a', 'https://[::ffff:a9fe:a9fe]/a', 'https://[::ffff:0:127.0.0.1]/a'],
  ...['https://[fe80::1]/a', 'https://[fc00::1]/a', 'https://[fd12:3456::1]/a', 'https://[fec0::1]/a'],
  ...['https://[64:ff9b::7f00:1]/a', 'https://[64:ff9b:1::7f00:1]/a', 'https://[2002:7f00:1::]/a'],
  ...['https://[2001:0:a00:1::]/a', 'https://[2001:db8::1]/a', 'https://[ff02::1]/a', 'https://[::127.0.0.1]/a'],
  `https://images.test/${'x'.repeat(2_048)}`,
  ...['data:', 'data:,hello', 'data:text/html;base64,PGgxPg==', 'data:image/svg+xml;base64,PHN2Zy8+'],
  ...[
    'data:image/png,not-base64',
    'data:image/png;base64,',
    'data:image/png;base64,!!!!',
    'data:image/png;base64,aGVsbG8=',
  ],
  `data:image/png;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64')}`,
  `data:image/gif;base64,${Buffer.from('GIF89a\x01\0\x01\0').toString('base64')}`,
  `data:image/jpeg;base64,${'A'.repeat(5_700_000)}`,
]

const shortened = (address: string) => (address.length > 60 ? `${address.slice(0, 57)}…` : address || 'an empty one')

const addressCases: Case[] = badAddresses.flatMap((address) => [
  started(`the person ${shortened(address)}`, { ...fine, person_image: address }, 'person_image'),
  started(`the garment ${shortened(address)}`, { person_image, garments: [shirt, address] }, 'garments.1.image'),
])

const inline = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`
const inlineCases: Case[] = [
  started('an inline image over 4 MB', { ...fine, person_image: inline(png(4 * 1024 * 1024 + 1)) }, '', {
    ...{ status: 413, code: 'body_too_large', says: /person_image/ },
  }),
  started(
    'a good image beside one that is none',
    { person_image: inline(png(300)), garments: [inline(png(400)), 'data:image/png;base64,aGVsbG8='] },
    'garments.2',
    { path: 'garments.1.image' },
  ),
]

const moving: Case[] = ['continue', 'redo', 'cancel'].flatMap((endpoint) => {
  const wrong = (name: string, body: unknown, field: string): Case => ({
    ...{ name: `${endpoint}: ${name}`, endpoint, call: { path: `/api/${endpoint}`, body } },
    ...{ status: 400, code: 'invalid_request', path: field },
  })
  return [
    { ...wrong('no body', '', ''), code: 'invalid_json' },
    wrong('no task_id', {}, 'task_id'),
    wrong('a task_id that is no id', { task_id: '1; drop table tasks' }, 'task_id'),
    wrong('a task_id that is a number', { task_id: 1 }, 'task_id'),
    wrong('an unknown field', { task_id: '019b76da-a800-7000-8000-000000000000', force: true }, 'force'),
    {
      ...wrong("another user's task", {}, ''),
      call: ({ foreign }) => ({ path: `/api/${endpoint}`, body: { task_id: foreign } }),
      ...{ status: 404, code: 'not_found' },
    },
    {
      ...wrong('a task that never was', { task_id: '019b76da-a800-7000-8000-000000000000' }, ''),
      ...{ status: 404, code: 'not_found' },
    },
  ]
})

const steps: Case[] = ['continue', 'redo'].flatMap((endpoint) =>
  [0, -1, 1.5, 1_001, '1', null].map((step) => ({
    ...{
      name: `${endpoint}: the step ${JSON.stringify(step)}`,
      endpoint,
      status: 400,
      code: 'invalid_request',
      path: 'step',
    },
    call: ({ own }) => ({ path: `/api/${endpoint}`, body: { task_id: own, step } }),
  })),
)

const read = (name: string, address: string, field: string, more: Partial<Case> = {}): Case => ({
  ...{ name, endpoint: address.slice(5).split('?')[0] ?? '', call: { path: address } },
  ...{ status: 400, code: 'invalid_request', path: field },
  ...more,
})
const absent = { status: 404, code: 'not_found' }

const reading: Case[] = [
  read('status: no task_id', '/api/status', 'task_id'),
  read('status: a task_id that is no id', '/api/status?task_id=1', 'task_id'),
  read('status: a NUL in a task_id', '/api/status?task_id=%00', 'task_id'),
  read("status: another user's task", '/api/status', '', {
    ...absent,
    call: ({ foreign }) => ({ path: `/api/status?task_id=${foreign}` }),
  }),
  read('tasks: an unknown status', '/api/tasks?status=done', 'status'),
  ...['0', '-1', '101', 'many', '1.5'].map((n) =>
    read(`tasks: the limit ${n}`, `/api/tasks?limit=${n}`, 'limit', { says: /must be a whole number from 1 to 100$/ }),
  ),
  read('tasks: a cursor that is none', '/api/tasks?cursor=next', 'cursor'),
  read('tasks: a NUL in a cursor', '/api/tasks?cursor=%00', 'cursor'),
  read('result: nothing', '/api/result', 'task_id'),
  read('result: no step', '/api/result?task_id=019b76da-a800-7000-8000-000000000000', 'step'),
  ...['0', '1001', 'x', '1.5'].map((step) =>
    read(`result: the step ${step}`, '/api/result', 'step', {
      call: ({ own }) => ({ path: `/api/result?task_id=${own}&step=${step}` }),
    }),
  ),
  ...['attempt=0', 'attempt=x', 'download=2'].map((query) =>
    read(`result: ${query}`, '/api/result', query.split('=')[0] ?? '', {
      call: ({ own }) => ({ path: `/api/result?task_id=${own}&step=1&${query}` }),
    }),
  ),
  ...['step=2', 'step=1&attempt=2'].map((query) =>
    read(`result: ${query}, which has none`, '/api/result', '', {
      ...absent,
      call: ({ own }) => ({ path: `/api/result?task_id=${own}&${query}` }),
    }),
  ),
  read("result: another user's task", '/api/result', '', {
    ...absent,
    call: ({ foreign }) => ({ path: `/api/result?task_id=${foreign}&step=1` }),
  }),
]

const byPost = ['session', 'start', 'continue', 'choose', 'redo', 'cancel', 'webhook']
const byGet = ['status', 'tasks', 'result', 'health']
const byPing = ['worker', 'checker', 'recover']

const refused = (endpoint: string, method: string, allow: string): Case => ({
  ...{ name: `${endpoint}: ${method}`, endpoint, call: { method, path: `/api/${endpoint}` } },
  ...{ status: 405, code: 'method_not_allowed', headers: { allow } },
})

const methods: Case[] = [
  ...byPost.flatMap((endpoint) => ['GET', 'HEAD', 'PUT', 'DELETE'].map((method) => refused(endpoint, method, 'POST'))),
  ...byGet.flatMap((endpoint) => ['POST', 'PUT', 'DELETE'].map((method) => refused(endpoint, method, 'GET, HEAD'))),
  ...byPing.flatMap((endpoint) =>
    ['PUT', 'PATCH', 'DELETE'].map((method) => refused(endpoint, method, 'GET, POST, HEAD')),
  ),
]

export const cases: Case[] = [
  ...startCases,
  ...addressCases,
  ...inlineCases,
  ...moving,
  ...steps,
  ...choiceCases,
  ...reading,
  ...methods,
]
