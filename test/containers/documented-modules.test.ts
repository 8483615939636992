import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const DOCUMENT = readFileSync(path.join(root, 'docs/testcontainers.md'), 'utf8')
const IMAGE = '"odradek:8.3.0"'

/** The programs that start the image, and how each names it. */
it.each([
  ['java', 'java/Containers.java', 'args[1]'],
  ['go', 'go/main.go', 'image'],
  ['python', 'python/containers.py', 'image'],
])('what docs/testcontainers.md has in %s are lines of a program that is run', (language, file, image) => {
  const blocks = [...DOCUMENT.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))]
  const lines = blocks.flatMap((match) => match[1]!.replaceAll(IMAGE, image).split('\n')).map((line) => line.trim())
  expect(lines.length).toBeGreaterThan(0)
  const program = readFileSync(path.join(root, 'compat-tests/containers/clients', file), 'utf8')
  expect(lines.filter((line) => !program.includes(line))).toEqual([])
})
