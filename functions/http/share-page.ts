// The page of a shared picture: HTML without a script, with what chat programs show of a link. The share endpoint answers with it.
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
  },
  ru: {
    title: 'Картинка для вас',
    before: 'До',
    after: 'После',
    note: 'Кто поделился этой картинкой, может в любой момент её убрать.',
  },
}

const style = `:root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-content:center;gap:1rem;padding:1rem;box-sizing:border-box;
font:1rem/1.5 system-ui,sans-serif;text-align:center}main{display:flex;flex-wrap:wrap;gap:1rem;justify-content:center}figure{margin:0}
img{max-width:100%;max-height:80vh;border-radius:.75rem}figcaption,p{margin:.5rem 0 0;opacity:.75}`

export function sharePage({ page, after, before, language, storeOrigin }: Shown): Response {
  const lang = /^\s*ru\b/i.test(language) ? 'ru' : 'en'
  const say = words[lang]
  const picture = (src: string, caption: string, isNamed: boolean) =>
    `<figure><img src="${escaped(src)}" alt="${caption}">${isNamed ? `<figcaption>${caption}</figcaption>` : ''}</figure>`
  const figures = [
    ...(before ? [picture(before, say.before, true)] : []),
    picture(after, before ? say.after : say.title, Boolean(before)),
  ]
  const sources = ["'self'", new URL(page).origin, storeOrigin].filter(Boolean).join(' ')
  const html = `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta property="og:type" content="website">
<meta property="og:title" content="${say.title}">
<meta property="og:url" content="${escaped(page)}">
<meta property="og:image" content="${escaped(after)}">
<meta name="twitter:card" content="summary_large_image">
<title>${say.title}</title>
<style>${style}</style>
</head>
<body>
<h1 hidden>${say.title}</h1>
<main>${figures.join('')}</main>
<p>${say.note}</p>
</body>
</html>
`
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'private, no-cache',
      'content-security-policy': `default-src 'none'; img-src ${sources}; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      'x-robots-tag': 'noindex',
      vary: 'accept-language',
    },
  })
}

/** Our own addresses hold `&`; a request's host may hold anything. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
