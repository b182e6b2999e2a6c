import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['core/**', 'db/**', 'functions/**', 'providers/**', 'recipes/**', 'storage/**'],
      thresholds: { 'core/**': { statements: 100, branches: 100, functions: 100, lines: 100 } },
    },
  },
})
