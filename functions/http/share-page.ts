// The page of a shared picture, and the one that says that it is shared no more: HTML without a script, with what chat programs show of a link.
// The share endpoint answers with them.
// Nothing on it is text of a person's.

interface Shown {
  page: string
  after: string
  before: string | undefined
  /** What the reader's browser asks for. */
  language: string
  /** Where pictures come from, if not from here alone. */
  storeOrigin: string | undefined
}

const words = {
  en: {
    title: 'A picture for you',
    before: 'Before',
    after: 'After',
    note: 'Whoever shared this picture can take it back at any time.',
    ended: 'This picture is not shared any more',
    endedNote:
      'Its link was taken back, has run out, or was not copied whole. Whoever sent it can share the picture again.',
  },
  ru: {
    title: 'Картинка для вас',
    before: 'До',
    after: 'После',
    note: 'Кто поделился этой картинкой, может в любой момент её убрать.',
    ended: 'Этой картинкой больше не делятся',
    endedNote:
      'Ссылку отключили, её срок вышел или она скопирована не целиком. Кто её прислал, может поделиться картинкой снова.',
  },
}

const style = `:root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-content:center;gap:1rem;padding:1rem;box-sizing:border-box;
font:1rem/1.5 system-ui,sans-serif;text-align:center}main{display:flex;flex-wrap:wrap;gap:1rem;justify-content:center}figure{margin:0}
img{max-width:100%;max-height:80vh;border-radius:.75rem}figcaption,p{margin:.5rem 0 0;opacity:.75}`

export function sharePage({ page, after, before, language, storeOrigin }: Shown): Response {
  const lang = readable(language)
  const say = words[lang]
  const picture = (src: string, caption: string, isNamed: boolean) =>
    `<figure><img src="${escaped(src)}" alt="${caption}">${isNamed ? `<figcaption>${caption}</figcaption>` : ''}</figure>`
  const figures = [
    ...(before ? [picture(before, say.before, true)] : []),
    picture(after, before ? say.after : say.title, Boolean(before)),
  ]
  const sources = ["'self'", new URL(page).origin, storeOrigin].filter(Boolean).join(' ')
  const head = `<meta property="og:type" content="website">
<meta property="og:title" content="${say.title}">
<meta property="og:url" content="${escaped(page)}">
<meta property="og:image" content="${escaped(after)}">
<meta name="twitter:card" content="summary_large_image">`
  const body = `<h1 hidden>${say.title}</h1>
<main>${figures.join('')}</main>
<p>${say.note}</p>`
  return htmlOf({ lang, title: say.title, head, body, sources, status: 200 })
}

/** For whoever opens a link that shows nothing (any more). */
export function endedPage(language: string, status: number): Response {
  const lang = readable(language)
  const { ended, endedNote } = words[lang]
  const body = `<main><div><h1>${ended}</h1>\n<p>${endedNote}</p></div></main>`
  return htmlOf({ lang, title: ended, head: '', body, sources: "'none'", status })
}

const readable = (language: string): keyof typeof words => (/^\s*ru\b/i.test(language) ? 'ru' : 'en')

interface Html {
  lang: string
  title: string
  head: string
  body: string
  /** Where pictures may come from. */
  sources: string
  status: number
}

function htmlOf({ lang, title, head, body, sources, status }: Html): Response {
  const html = `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${head}
<title>${title}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'private, no-cache',
      'content-security-policy': `default-src 'none'; img-src ${sources}; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      'x-robots-tag': 'noindex',
      vary: 'accept, accept-language',
    },
  })
}

/** Our own addresses hold `&`; a request's host may hold anything. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
