import { defineConfig } from 'vitest/config'

/** Two projects: `unit` is what `npm run check` runs; `slow` starts processes and runs many seeds, and belongs to `npm test`. */
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/slow/**'], testTimeout: 20_000 },
      },
      { extends: true, test: { name: 'slow', include: ['test/slow/**/*.test.ts'], testTimeout: 120_000 } },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**', 'protocol/**'],
      exclude: ['src/main.ts'],
    },
  },
})
