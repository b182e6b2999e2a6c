// How the page is built: one bundle without inline scripts or styles, as its Content-Security-Policy wants it.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { placesOf } from './core/recipe.ts'
import { recipeView } from './functions/recipes.ts'
import { providers } from './providers/index.ts'
import { openRecipes } from './recipes/index.ts'

/**
 * What is offered as far as the build can tell: by the keys that are set then, or everything where none is. A first visit asks the functions
 * for nothing, and draws this; whoever has a session is told anew.
 */
const keys = providers.filter(({ key }) => process.env[key]).map(({ name }) => name)
const isReachable = (provider: string) => keys.length === 0 || keys.includes(provider)
const isAllowed = process.env['ENABLE_NONCOMMERCIAL'] === '1'
const offers = [...openRecipes({ hosts: [], allowPrivate: false }).values()]
  .filter(({ nonCommercial }) => isAllowed || !nonCommercial)
  .flatMap((recipe) => placesOf(recipe).find(({ provider }) => isReachable(provider)) ?? [])
  .map(recipeView)

export default defineConfig({
  root: fileURLToPath(new URL('web', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { __OFFERS__: JSON.stringify(offers) },
  build: {
    outDir: fileURLToPath(new URL('dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
