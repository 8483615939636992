import { writeFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '..')
export const dist = path.join(root, 'dist')

/** Entry points for programs, by the name they have in dist. CommonJS, since Jest knows nothing else. */
export const COMMONJS: Readonly<Record<string, string>> = {
  index: 'src/index.ts',
  jest: 'src/runners/jest.ts',
  'jest-run': 'src/runners/jest-run.ts',
  'jest-reset': 'src/runners/jest-reset.ts',
  testcontainers: 'src/containers/testcontainers.ts',
}

/** Those for Vitest, which knows only ES modules. */
export const ES_MODULES: Readonly<Record<string, string>> = {
  vitest: 'src/runners/vitest.ts',
  'vitest-setup': 'src/runners/vitest-setup.ts',
  'vitest-reset': 'src/runners/vitest-reset.ts',
}

export function writeAll(directory: string, files: Readonly<Record<string, readonly string[]>>): void {
  for (const [name, lines] of Object.entries(files)) writeFileSync(path.join(directory, name), `${lines.join('\n')}\n`)
}
