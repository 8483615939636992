import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['odradek/vitest/setup'],
    setupFiles: ['odradek/vitest/reset'],
  },
})
