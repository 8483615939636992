import type { Random } from '../io/random.ts'

/** Ids that mean something of their own: none, and the metadata log. */
const RESERVED = new Set(['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ'])

/** 22 characters of base64url. None begins with a dash, which command line tools would take for an option. */
export function newTopicId(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const id = bytes.toString('base64url')
    if (!id.startsWith('-') && !RESERVED.has(id)) return id
  }
}
