import { type Codec, codecOf } from '../../protocol/codec/codec.ts'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Decoded, Encodable, Message } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import * as schemas from '../../protocol/messages/records/metadata.ts'
import type { MetadataRecord } from './metadata.ts'

/** Type ids of the records that make up an image. */
export const RecordType = {
  REGISTER_BROKER: 0,
  UNREGISTER_BROKER: 1,
  TOPIC: 2,
  PARTITION: 3,
  CONFIG: 4,
  PARTITION_CHANGE: 5,
  FENCE_BROKER: 7,
  UNFENCE_BROKER: 8,
  REMOVE_TOPIC: 9,
  FEATURE_LEVEL: 12,
  PRODUCER_IDS: 15,
  BROKER_REGISTRATION_CHANGE: 17,
  NO_OP: 20,
} as const

export type RegisterBrokerValue = Decoded<typeof schemas.RegisterBrokerRecord>
export type PartitionValue = Decoded<typeof schemas.PartitionRecord>
export type PartitionChangeValue = Decoded<typeof schemas.PartitionChangeRecord>

/** Stands for a directory that is not told: there is one per broker. */
export const NO_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA'

const FRAME_VERSION = 1

export function registerBrokerRecord(value: Encodable<typeof schemas.RegisterBrokerRecord>): MetadataRecord {
  return { type: RecordType.REGISTER_BROKER, version: 3, value }
}

export function topicRecord(value: Encodable<typeof schemas.TopicRecord>): MetadataRecord {
  return { type: RecordType.TOPIC, version: 0, value }
}

export interface NewPartition {
  readonly topicId: string
  readonly partitionId: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly leader: number
  readonly leaderEpoch: number
}

/** Leadership is all that ever changes of a partition here, so that its own epoch is that of the leader. */
export function partitionRecord(partition: NewPartition): MetadataRecord {
  const value: Encodable<typeof schemas.PartitionRecord> = {
    ...partition,
    removingReplicas: [],
    addingReplicas: [],
    partitionEpoch: partition.leaderEpoch,
    directories: partition.replicas.map(() => NO_DIRECTORY),
  }
  return { type: RecordType.PARTITION, version: 1, value }
}

export function partitionChangeRecord(value: Encodable<typeof schemas.PartitionChangeRecord>): MetadataRecord {
  return { type: RecordType.PARTITION_CHANGE, version: 0, value }
}

export function removeTopicRecord(topicId: string): MetadataRecord {
  const value: Encodable<typeof schemas.RemoveTopicRecord> = { topicId }
  return { type: RecordType.REMOVE_TOPIC, version: 0, value }
}

/** A value of null takes the setting back. */
export function configRecord(value: Encodable<typeof schemas.ConfigRecord>): MetadataRecord {
  return { type: RecordType.CONFIG, version: 0, value }
}

export function featureLevelRecord(name: string, featureLevel: number): MetadataRecord {
  const value: Encodable<typeof schemas.FeatureLevelRecord> = { name, featureLevel }
  return { type: RecordType.FEATURE_LEVEL, version: 0, value }
}

export function producerIdsRecord(value: Encodable<typeof schemas.ProducerIdsRecord>): MetadataRecord {
  return { type: RecordType.PRODUCER_IDS, version: 0, value }
}

const schemaByType = new Map<number, Message>(schemas.metadataRecords.map(({ id, schema }) => [id, schema]))

function codecFor(type: number, version: number): Codec<unknown, unknown> {
  const schema = schemaByType.get(type)
  if (schema === undefined) throw new ProtocolError(`metadata record of unknown type ${type}`)
  return codecOf(schema, version) as Codec<unknown, unknown>
}

/** As it lies in a batch of the log: frame version, type, version, message. */
export function encodeMetadataRecord(record: MetadataRecord): Buffer {
  const writer = new Writer(64)
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(record.type)
  writer.uvarint(record.version)
  codecFor(record.type, record.version).encode(writer, record.value)
  return writer.bytes()
}

/** Throws ProtocolError for a type or version that is not known: state must never be built on half of the truth. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) throw new ProtocolError(`metadata record of unknown frame version ${frameVersion}`)
  const type = reader.uvarint()
  const version = reader.uvarint()
  const schema = schemaByType.get(type)
  if (schema === undefined) throw new ProtocolError(`metadata record of unknown type ${type}`)
  const value = decodeValue(schema, version, reader)
  return { type, version, value }
}

function decodeValue(schema: Message, version: number, reader: Reader): object {
  try {
    return codecOf(schema, version).decode(reader) as object
  } catch (error) {
    if (error instanceof RangeError) throw new ProtocolError(error.message)
    throw error
  }
}
