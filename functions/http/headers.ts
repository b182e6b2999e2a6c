// The headers that every answer of a function has. The doors set them; the page's own are in build/page-headers.ts.

const always = {
  // An answer is data: should a browser ever show one as a page, it may do nothing, and nobody may frame it.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Addresses may hold a signature.
  'referrer-policy': 'no-referrer',
  // Other sites' pages may not embed stored images; those that may call read them with CORS.
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
} as const

export function secure(response: Response): Response {
  const isPage = response.headers.get('content-type')?.startsWith('text/html')
  for (const [name, value] of Object.entries(always)) {
    // A page of ours says what it may load.
    if (!(isPage && name === 'content-security-policy')) response.headers.set(name, value)
  }
  return response
}
