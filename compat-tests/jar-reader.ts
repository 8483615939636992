import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const STORED = 0
const DEFLATED = 8

/** The text of every entry of a jar whose name passes `wanted`. Zip without zip64, which no Kafka jar needs. */
export function readJar(path: string, wanted: (name: string) => boolean): Map<string, string> {
  const jar = readFileSync(path)
  const end = jar.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || jar.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error(`${path} is not a jar`)
  const entries = new Map<string, string>()
  let at = jar.readUInt32LE(end + 16)
  for (let left = jar.readUInt16LE(end + 10); left > 0; left--) {
    if (jar.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`${path}: broken directory at byte ${at}`)
    const nameLength = jar.readUInt16LE(at + 28)
    const name = jar.toString('utf8', at + 46, at + 46 + nameLength)
    if (wanted(name)) entries.set(name, contentOf(jar, at, name))
    at += 46 + nameLength + jar.readUInt16LE(at + 30) + jar.readUInt16LE(at + 32)
  }
  return entries
}

function contentOf(jar: Buffer, entry: number, name: string): string {
  const method = jar.readUInt16LE(entry + 10)
  const size = jar.readUInt32LE(entry + 20)
  const local = jar.readUInt32LE(entry + 42)
  const start = local + 30 + jar.readUInt16LE(local + 26) + jar.readUInt16LE(local + 28)
  const content = jar.subarray(start, start + size)
  if (method === STORED) return content.toString('utf8')
  if (method === DEFLATED) return inflateRawSync(content).toString('utf8')
  throw new Error(`${name}: compression method ${method}`)
}
