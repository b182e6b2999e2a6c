import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/setup/longest-first.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    setupFiles: ['test/setup/apart.ts'],
    // Most tests wait for a database, a browser or another process: with four of them a run used 1.6 of two processors. With many more, what
    // a browser is patient for comes into sight of its cap.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    // A worker loads each module once: no import keeps anything of the file before (test/netlify/importable.test.ts).
    isolate: false,
    // Programs that tests start: what they load was compiled before.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node', import.meta.url)) },
    // Bundles are loaded as they are deployed: nothing is left to transform in a megabyte each.
    server: { deps: { external: [/\/dist\//] } },
    // A cap for what hangs, not a measure: browsers and whole stories share two processors here.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    coverage: {
      provider: 'v8',
      // By its own tests alone: it takes time, and what others run of it by the way proves little.
      include: ['core/**/*.ts'],
      thresholds: { 100: true },
    },
  },
})
