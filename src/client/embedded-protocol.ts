import { codecOf } from '../../protocol/codec/codec.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../protocol/messages/consumer-protocol.ts'
import { byTopic, type TopicPartition } from './topic-leaders.ts'

/** The bytes that members of a classic group exchange through the coordinator: a version, and then its message. */

const WRITTEN_VERSION = 0
const NEWEST_VERSION = 3

export function writeSubscription(topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(WRITTEN_VERSION)
  codecOf(ConsumerProtocolSubscription, WRITTEN_VERSION).encode(writer, { topics: [...topics] })
  return writer.bytes()
}

/** Throws ProtocolError. A version newer than known has what the newest known has, and more behind it. */
export function readSubscription(bytes: Buffer): readonly string[] {
  const reader = new Reader(bytes)
  return codecOf(ConsumerProtocolSubscription, versionFrom(reader)).decode(reader).topics
}

export function writeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new Writer()
  writer.int16(WRITTEN_VERSION)
  const assignedPartitions = [...byTopic(partitions)].map(([topic, part]) => {
    return { topic, partitions: part.map(({ partition }) => partition) }
  })
  codecOf(ConsumerProtocolAssignment, WRITTEN_VERSION).encode(writer, { assignedPartitions })
  return writer.bytes()
}

/** As for readSubscription; no bytes are no partitions, as a member has between two rebalances. */
export function readAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new Reader(bytes)
  const { assignedPartitions } = codecOf(ConsumerProtocolAssignment, versionFrom(reader)).decode(reader)
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

function versionFrom(reader: Reader): number {
  return Math.max(0, Math.min(NEWEST_VERSION, reader.int16()))
}
