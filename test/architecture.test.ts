import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')

/** From bottom to top: a folder imports from its own row and the rows below. */
const ROWS = [
  ['protocol'],
  ['src/io', 'src/config', 'src/metrics'],
  ['src/client'],
  ['src/security'],
  ['src/storage'],
  ['src/metadata'],
  ['src/coordinator'],
  ['src/broker'],
  ['src/apis'],
  ['src/server'],
  ['src/console'],
  ['src/testing'],
  ['src/index.ts'],
  ['src/runners'],
  ['src/containers'],
  ['src/cli'],
  ['src/main.ts', 'src/tools.ts'],
]

/** What only src/io and the command line may reach. */
const OUTSIDE_WORLD =
  /from 'node:(?:fs|net|tls|timers)|\bDate\.now\(|\bMath\.random\(|(?<![.\w])(?:setTimeout|setInterval|setImmediate)\(/

function rowOf(file: string): number {
  const row = ROWS.findIndex((places) => places.some((place) => file === place || file.startsWith(`${place}/`)))
  if (row < 0) throw new Error(`${file} is in no row of the architecture`)
  return row
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+\.ts)'/g)].map((match) =>
    path.posix.join(path.posix.dirname(file), match[1]!),
  )
}

const files = globSync(['src/**/*.ts', 'protocol/**/*.ts'], { cwd: root }).map((file) => file.split(path.sep).join('/'))

describe('architecture', () => {
  it.each(files)('%s imports only from its own row and those below', (file) => {
    const above = importsOf(file).filter((imported) => rowOf(imported) > rowOf(file))
    expect(above).toEqual([])
  })

  it.each(files.filter((file) => !file.startsWith('src/io/') && file !== 'src/main.ts' && file !== 'src/tools.ts'))(
    '%s leaves files, sockets, timers and chance to src/io',
    (file) => {
      const lines = readFileSync(path.join(root, file), 'utf8').split('\n')
      expect(lines.filter((line) => OUTSIDE_WORLD.test(line))).toEqual([])
    },
  )
})
