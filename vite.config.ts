// How the page is built: one bundle without inline scripts or styles, as its Content-Security-Policy wants it.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { offersOf } from './build/offers.ts'

export default defineConfig({
  root: fileURLToPath(new URL('web', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { __OFFERS__: JSON.stringify(offersOf(process.env)) },
  build: {
    outDir: fileURLToPath(new URL('dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
