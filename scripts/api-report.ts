import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildTypes } from './build-types.ts'
import { root } from './entry-points.ts'

const HEAD = `# API report

What the package exports, as its users' compilers see it. Made by \`npm run api-report\`; a test fails when the code says
something else, so that a change of the API is seen in a review. Do not edit.
`

export const API_REPORT = path.join(root, 'docs', 'api-report.md')

/** All declarations that are shipped. */
export function makeApiReport(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'odradek-types-'))
  try {
    buildTypes(directory)
    const sections = readdirSync(directory)
      .sort()
      .map((file) => `\n## ${file}\n\n\`\`\`ts\n${readFileSync(path.join(directory, file), 'utf8')}\`\`\`\n`)
    return [HEAD, ...sections].join('')
  } finally {
    rmSync(directory, { recursive: true })
  }
}

if (import.meta.main) writeFileSync(API_REPORT, makeApiReport())
