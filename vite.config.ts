// How the page is built: one bundle without inline scripts or styles, as its Content-Security-Policy wants it.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { openRecipes } from './recipes/index.ts'

/** Those that the functions run, or fewer: a deployment may have the key of one provider only. */
const offered = process.env['PAGE_RECIPES']?.split(',') ?? [...openRecipes({ hosts: [], allowPrivate: false }).keys()]

export default defineConfig({
  root: fileURLToPath(new URL('web', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { __RECIPES__: JSON.stringify(offered) },
  build: {
    outDir: fileURLToPath(new URL('dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
