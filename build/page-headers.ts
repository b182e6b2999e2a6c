// The headers of the page's files: dev/static.ts sends them, and the build writes them for Netlify. A page that breaks under them breaks
// here first. Functions set their own.

/** `storeOrigin`: where results come from, if not from here alone. */
export function pageHeaders(storeOrigin?: string): Record<string, string> {
  const own = ["'self'", ...(storeOrigin ? [storeOrigin] : [])].join(' ')
  const policy = [
    "default-src 'none'",
    "script-src 'self' https://challenges.cloudflare.com",
    'frame-src https://challenges.cloudflare.com',
    "style-src 'self'",
    `img-src ${own} blob:`,
    `media-src ${own} blob:`,
    `connect-src ${own}`,
    "font-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()',
    'Referrer-Policy': 'strict-origin-when-cross-origin',
    'Strict-Transport-Security': 'max-age=31536000',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  }
}

/** As Netlify reads it from `_headers` in the published folder. */
export function headersFile(storeOrigin?: string): string {
  const lines = Object.entries(pageHeaders(storeOrigin)).map(([name, value]) => `  ${name}: ${value}`)
  return ['/*', ...lines, ''].join('\n')
}
