/**
 * Golden bytes: what Kafka's own Java classes write. test/protocol/golden.json holds the result; the unit tests decode and
 * encode it with our codecs, and this file verifies that the Java classes still say the same.
 *
 *     node compat-tests/golden.ts DIRECTORY_OF_JARS [--write]
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FieldList, inRange, type Message } from '../protocol/codec/schema.ts'
import { messages } from '../test/protocol/conformance-messages.ts'

const GOLDEN = fileURLToPath(new URL('../test/protocol/golden.json', import.meta.url))
const PROGRAM = fileURLToPath(new URL('clients/java-golden/Golden.java', import.meta.url))

/** One line per case (message, version, fill), for the versions in which something changes, the lowest and the highest. */
function casesOf(message: Message): string[] {
  const { min, max } = message.versions
  const firstFlexible = Math.max(message.flexible?.min ?? min, min)
  const changes = new Set([min, firstFlexible - 1, firstFlexible, max])
  addChanges(message.fields, changes)
  const cases: string[] = []
  for (let version = min; version <= max; version++) {
    if (changes.has(version)) cases.push(`${message.name} ${version} full`)
    if (version === firstFlexible) cases.push(`${message.name} ${version} sparse`)
    if (version === max) cases.push(`${message.name} ${version} empty`)
    if (version === max && inRange(message.flexible, version)) cases.push(`${message.name} ${version} unknown`)
  }
  return cases
}

function addChanges(fields: FieldList, changes: Set<number>): void {
  for (const [, { type, versions, nullable }] of fields) {
    changes.add(versions.min).add(versions.max + 1)
    if (nullable) changes.add(nullable.min)
    const element = type.kind === 'array' ? type.element : type
    if (element.kind === 'struct') addChanges(element.fields, changes)
  }
}

/** What the Java program prints, a line per case so that a change can be read. */
export function captureGolden(jarDirectory: string): string {
  const classes = mkdtempSync(join(tmpdir(), 'odradek-golden-'))
  try {
    const jars = join(jarDirectory, '*')
    execFileSync('javac', ['-proc:none', '-d', classes, '-cp', jars, PROGRAM])
    const input = messages.flatMap(casesOf).join('\n')
    const options = { input, maxBuffer: 64 << 20, encoding: 'utf8' } as const
    const output = JSON.parse(execFileSync('java', ['-cp', `${jars}:${classes}`, 'Golden'], options)) as {
      entries: unknown[]
      errors: unknown
      headerVersions: unknown
    }
    const entries = output.entries.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')
    const tables = `"errors":${JSON.stringify(output.errors)},\n"headerVersions":${JSON.stringify(output.headerVersions)}`
    return `{"entries":[\n${entries}\n],\n${tables}}\n`
  } finally {
    rmSync(classes, { recursive: true, force: true })
  }
}

/** Lines of the stored file that the Java classes no longer print, or print anew. */
export function verifyGolden(jarDirectory: string): string[] {
  const actual = captureGolden(jarDirectory).split('\n')
  const stored = readFileSync(GOLDEN, 'utf8').split('\n')
  const [inActual, inStored] = [new Set(actual), new Set(stored)]
  return [
    ...actual.filter((line) => !inStored.has(line)).map((line) => `not stored: ${line.slice(0, 200)}`),
    ...stored.filter((line) => !inActual.has(line)).map((line) => `not printed: ${line.slice(0, 200)}`),
  ]
}

if (import.meta.main) {
  const [jarDirectory, write] = process.argv.slice(2)
  if (!jarDirectory) throw new Error('usage: node compat-tests/golden.ts DIRECTORY_OF_JARS [--write]')
  if (write === '--write') writeFileSync(GOLDEN, captureGolden(jarDirectory))
  const differences = verifyGolden(jarDirectory)
  for (const difference of differences) console.log(difference)
  console.log(`${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}
