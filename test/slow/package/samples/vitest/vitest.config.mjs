import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['*.spec.mjs'],
    globalSetup: ['./setup.mjs'],
    setupFiles: ['odradek/vitest/reset'],
    maxWorkers: 2,
    testTimeout: 60_000,
  },
})
