import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bundleDeclarations } from './declarations.ts'
import { COMMONJS, ES_MODULES, root, writeAll } from './entry-points.ts'

/** For what is written by hand in the build as well. */
const WRITTEN_TYPES: Readonly<Record<string, readonly string[]>> = {
  'index.d.ts': ["export * from './index.cjs';"],
  'jest-setup.d.cts': [
    "import type { brokerSetup } from './jest-run.cjs';",
    '/** A globalSetup of Jest: starts the broker of the run. With options of your own: `brokerSetup(options)`. */',
    'declare const setup: (() => Promise<void>) & { readonly brokerSetup: typeof brokerSetup };',
    'export = setup;',
  ],
  'jest-teardown.d.cts': ["import { teardown } from './jest-run.cjs';", 'export = teardown;'],
}

/** One file per entry point, with nothing in it that cannot be reached from there. */
export function buildTypes(directory: string): void {
  const emitted = mkdtempSync(path.join(tmpdir(), 'odradek-declarations-'))
  try {
    const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const args = [compiler, '-p', 'tsconfig.types.json', '--outDir', emitted]
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
    if (status !== 0) throw new Error(`the declarations cannot be made: tsc ended with ${status}`)
    const write = (entries: Readonly<Record<string, string>>, ending: string) => {
      for (const [name, source] of Object.entries(entries)) {
        const text = bundleDeclarations(emitted, source.replace(/\.ts$/, ''))
        writeFileSync(path.join(directory, `${name}.${ending}`), text)
      }
    }
    write(COMMONJS, 'd.cts')
    write(ES_MODULES, 'd.ts')
    writeAll(directory, WRITTEN_TYPES)
  } finally {
    rmSync(emitted, { recursive: true })
  }
}
