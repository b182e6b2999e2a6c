// How the page is built: one bundle without inline scripts or styles, as its Content-Security-Policy wants it.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { openRecipes } from './recipes/index.ts'

/** Those that the functions run, or fewer: a deployment may have the key of one provider only. */
const recipes = openRecipes({ hosts: [], allowPrivate: false })
const offered = process.env['PAGE_RECIPES']?.split(',') ?? [...recipes.keys()]
/** What a step of each recipe is expected to cost, by its example; null where that isn't known. */
const prices = Object.fromEntries(
  [...recipes.values()].map((recipe) => [
    recipe.name,
    recipe.price === 'unknown' ? null : recipe.price.of(recipe.input.parse(recipe.example.input), 1),
  ]),
)

export default defineConfig({
  root: fileURLToPath(new URL('web', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { __RECIPES__: JSON.stringify(offered), __PRICES__: JSON.stringify(prices) },
  build: {
    outDir: fileURLToPath(new URL('dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
