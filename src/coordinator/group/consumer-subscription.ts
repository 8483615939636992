import { ProtocolError } from '../../../protocol/codec/protocol-error.ts'
import { Reader } from '../../../protocol/codec/reader.ts'

const MINIMUM_STRING_BYTES = 2

/**
 * The topics in a member's metadata of the embedded consumer protocol, or null when it is not that. Reads the part
 * that all versions share and no further: clients put their own formats behind it, and newer versions add fields.
 */
export function subscribedTopics(metadata: Buffer): readonly string[] | null {
  const reader = new Reader(metadata)
  try {
    const version = reader.int16()
    if (version < 0) return null
    const count = reader.int32()
    reader.elements(count, MINIMUM_STRING_BYTES)
    const topics: string[] = []
    for (let i = 0; i < count; i++) topics.push(reader.string(reader.int16()))
    return topics
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
