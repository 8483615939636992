/**
 * The facts of Kafka's own message definitions, read from its jars. test/protocol/official-4.3.1.json is such a digest:
 * the unit tests compare the schemas with it, and this file verifies that it still says what the jars say.
 *
 *     node compat-tests/conformance.ts DIRECTORY_OF_JARS [--write]
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readJar } from './jar-reader.ts'

export const KAFKA_VERSION = '4.3.1'

/** Those whose definitions concern a broker; the clients' own, of Kafka Streams for one, are not ours to describe. */
const JARS = [
  'kafka-clients',
  'kafka-group-coordinator',
  'kafka-transaction-coordinator',
  'kafka-share-coordinator',
  'kafka-metadata',
]

const DIGEST = fileURLToPath(new URL(`../test/protocol/official-${KAFKA_VERSION}.json`, import.meta.url))

interface OfficialField {
  readonly name: string
  readonly type: string
  readonly versions?: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly flexibleVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean | null
  readonly ignorable?: boolean
  readonly fields?: readonly OfficialField[]
}

interface OfficialMessage {
  readonly name: string
  readonly type: string
  readonly apiKey?: number
  readonly listeners?: readonly string[]
  readonly validVersions: string
  readonly flexibleVersions?: string
  readonly latestVersionUnstable?: boolean
  readonly fields?: readonly OfficialField[]
  readonly commonStructs?: readonly OfficialField[]
}

/** One message of the digest; a field is one line of words, indented by one dot per level of nesting. */
export interface MessageFacts {
  readonly key?: number
  readonly versions: string
  readonly flexible: string
  readonly unstable?: true
  readonly fields: readonly string[]
}

export type Digest = Readonly<Record<string, MessageFacts>>

/** Every message that may travel on a broker's client listener or that Kafka writes into a topic. */
export function digestOf(jarDirectory: string): Digest {
  const official = readDefinitions(jarDirectory)
  const onBrokers = new Set(
    official.filter((m) => m.type === 'request' && m.listeners?.includes('broker')).map((m) => m.apiKey),
  )
  const kept = official.filter((m) => {
    if (m.validVersions === 'none') return false
    return (m.type !== 'request' && m.type !== 'response') || onBrokers.has(m.apiKey)
  })
  return Object.fromEntries(kept.sort((a, b) => (a.name < b.name ? -1 : 1)).map((m) => [m.name, factsOf(m)]))
}

function readDefinitions(jarDirectory: string): OfficialMessage[] {
  const wanted = (name: string) => /^common\/(message|metadata)\/\w+\.json$/.test(name)
  const texts = JARS.flatMap((jar) => [...readJar(`${jarDirectory}/${jar}-${KAFKA_VERSION}.jar`, wanted).values()])
  return texts.map((text) => JSON.parse(withoutComments(text)) as OfficialMessage)
}

/** The definitions are JSON with line comments. */
function withoutComments(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g, (_, quoted: string | undefined) => quoted ?? '')
}

function factsOf(message: OfficialMessage): MessageFacts {
  const structs = new Map(message.commonStructs?.map((struct) => [struct.name, struct.fields ?? []]))
  const lines: string[] = []
  addLines(message.fields ?? [], structs, '', lines)
  return {
    ...(message.apiKey === undefined ? {} : { key: message.apiKey }),
    versions: message.validVersions,
    flexible: message.flexibleVersions ?? 'none',
    ...(message.latestVersionUnstable ? { unstable: true } : {}),
    fields: lines,
  }
}

/** A struct's fields stand at its first use or among the common structs; later uses only name it. */
function addLines(
  fields: readonly OfficialField[],
  structs: Map<string, readonly OfficialField[]>,
  dots: string,
  lines: string[],
): void {
  for (const field of fields) {
    const element = field.type.replace('[]', '')
    if (field.fields) structs.set(element, field.fields)
    const children = structs.get(element)
    const type = children ? field.type.replace(element, 'struct') : field.type
    lines.push(`${dots}${field.name} ${type} ${factWords(field).join(' ')}`)
    if (children) addLines(children, structs, `${dots}.`, lines)
  }
}

/** A default that is a JSON null says nothing, unlike the text 'null': Kafka's generator reads it so. */
function factWords(field: OfficialField): string[] {
  const versions = field.versions ?? field.taggedVersions
  if (versions === undefined) throw new Error(`${field.name} has no versions`)
  const words = [versions]
  if (field.nullableVersions !== undefined) words.push(`null=${field.nullableVersions}`)
  if (field.default !== undefined && field.default !== null) words.push(`default=${field.default}`)
  if (field.tag !== undefined) words.push(`tag=${field.tag}@${field.taggedVersions}`)
  if (field.ignorable) words.push('ignorable')
  if (field.flexibleVersions !== undefined) words.push(`flexible=${field.flexibleVersions}`)
  return words
}

/** What in the stored digest differs from the jars; empty when it is up to date. */
export function verifyDigest(jarDirectory: string): string[] {
  const actual = digestOf(jarDirectory)
  const stored = JSON.parse(readFileSync(DIGEST, 'utf8')) as Digest
  const names = [...new Set([...Object.keys(actual), ...Object.keys(stored)])].sort()
  return names.flatMap((name) => {
    const [want, have] = [JSON.stringify(actual[name]), JSON.stringify(stored[name])]
    return want === have ? [] : [`${name}: the jars say ${want}, the digest ${have}`]
  })
}

if (import.meta.main) {
  const [jarDirectory, write] = process.argv.slice(2)
  if (!jarDirectory) throw new Error('usage: node compat-tests/conformance.ts DIRECTORY_OF_JARS [--write]')
  if (write === '--write') writeFileSync(DIGEST, `${JSON.stringify(digestOf(jarDirectory), null, 1)}\n`)
  const differences = verifyDigest(jarDirectory)
  for (const difference of differences) console.log(difference)
  console.log(`${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}
