import { crc32c } from '../../../protocol/records/crc32c.ts'

/** Of the CRC-32C in the first line. */
const CRC_DIGITS = 8

/** A file of ours: a checksum in the first line, JSON of a version behind it. */
export function encodeChecked(version: number, logs: unknown): Buffer {
  const content = Buffer.from(JSON.stringify({ version, logs }))
  return Buffer.concat([Buffer.from(`${crcText(content)}\n`), content])
}

/** Null for what is damaged, or of another version. */
export function decodeChecked<T>(content: Buffer, version: number): T | null {
  const json = content.subarray(CRC_DIGITS + 1)
  if (content.subarray(0, CRC_DIGITS + 1).toString('latin1') !== `${crcText(json)}\n`) return null
  const found: { version?: number; logs?: T } = JSON.parse(json.toString('utf8'))
  return found.version === version ? (found.logs ?? null) : null
}

function crcText(content: Buffer): string {
  return crc32c(content, 0, content.length).toString(16).padStart(CRC_DIGITS, '0')
}
