import { build } from 'esbuild'

/**
 * One bundle: 180 separate files cost a quarter of a second of start-up. Without blanks and comments, which cost
 * 4 ms and 2 MB; names stay, and lines are short enough for a stack to point at something.
 * Native packages stay outside, since each platform has its own; they are loaded when first used.
 */
const native = ['@node-rs/crc32', 'lz4-napi', 'snappy']

await build({
  entryPoints: { odradek: 'src/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22.18',
  external: native,
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  legalComments: 'none',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
})
