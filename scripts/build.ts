import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build, type Plugin } from 'esbuild'
import { buildTypes } from './build-types.ts'
import { COMMONJS, dist, ES_MODULES, root, writeAll } from './entry-points.ts'

/**
 * Bundles: 180 separate files cost a quarter of a second of start-up. Without blanks and comments, which cost
 * 4 ms and 2 MB; names stay, and lines are short enough for a stack to point at something.
 * Native packages stay outside, since each platform has its own, and what hardly anybody needs; loaded when first used.
 */
const outside = ['@node-rs/crc32', 'lz4-napi', 'snappy', 're2js']

/**
 * Written by hand. The import of a whole bundle would have Node read it once more for its names. And what Jest calls is
 * a module that is a function: a default export of CommonJS is something else to each tool.
 */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  'index.js': [
    "import { createRequire } from 'node:module'",
    "export const { startBroker } = createRequire(import.meta.url)('./index.cjs')",
  ],
  'jest-setup.cjs': [
    "const { brokerSetup } = require('./jest-run.cjs')",
    'module.exports = brokerSetup()',
    // The form in which Node finds the name without running it.
    'module.exports.brokerSetup = brokerSetup',
  ],
  'jest-teardown.cjs': ["module.exports = require('./jest-run.cjs').teardown"],
}
/** What stands in these files stands in no other: a reset means the broker that the test file means. */
const shared: Plugin = {
  name: 'shared',
  setup({ onResolve, initialOptions }) {
    const ending = initialOptions.format === 'esm' ? 'js' : 'cjs'
    onResolve({ filter: /\/(?:index|jest|jest-run|vitest)\.ts$/ }, ({ path: imported, kind }) => {
      if (kind === 'entry-point') return null
      const name = path.basename(imported, '.ts')
      return { path: name === 'index' ? './index.cjs' : `./${name}.${ending}`, external: true }
    })
  },
}

async function buildPrograms(directory: string): Promise<void> {
  const common = {
    outdir: directory,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node22.18',
    legalComments: 'none',
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
  } as const
  const commonJs = {
    ...common,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  } as const
  await Promise.all([
    build({ ...commonJs, entryPoints: { odradek: 'src/main.ts', tools: 'src/tools.ts' }, external: outside }),
    build({
      ...commonJs,
      entryPoints: COMMONJS,
      external: [...outside, '@jest/globals', 'testcontainers'],
      plugins: [shared],
    }),
    build({ ...common, format: 'esm', entryPoints: ES_MODULES, external: ['vitest'], plugins: [shared] }),
  ])
  writeAll(directory, WRITTEN)
}

// Beside dist and then moved, file by file: whoever packs or starts what is there meanwhile finds whole files.
const cache = path.join(root, 'node_modules', '.cache')
mkdirSync(cache, { recursive: true })
const staging = mkdtempSync(path.join(cache, 'odradek-build-'))
try {
  await buildPrograms(staging)
  buildTypes(staging)
  mkdirSync(dist, { recursive: true })
  for (const name of readdirSync(staging)) renameSync(path.join(staging, name), path.join(dist, name))
} finally {
  rmSync(staging, { recursive: true })
}
