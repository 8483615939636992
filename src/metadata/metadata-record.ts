import { codecOf } from '../../protocol/codec/codec.ts'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { type Encodable, inRange, type Message } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import {
  ConfigRecord,
  FeatureLevelRecord,
  metadataRecords,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RemoveTopicRecord,
  TopicRecord,
} from '../../protocol/messages/records/metadata.ts'
import type { MetadataRecord } from './metadata.ts'

const FRAME_VERSION = 1

const schemas = new Map<number, Message>(metadataRecords.map(({ id, schema }) => [id, schema]))

/** Type ids of the records that this broker writes and understands. */
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
  REGISTER_CONTROLLER: 27,
} as const

export const registerBrokerRecord = (value: Encodable<typeof RegisterBrokerRecord>) =>
  recordOf(RecordType.REGISTER_BROKER, RegisterBrokerRecord, value)
export const topicRecord = (value: Encodable<typeof TopicRecord>) => recordOf(RecordType.TOPIC, TopicRecord, value)
export const partitionRecord = (value: Encodable<typeof PartitionRecord>) =>
  recordOf(RecordType.PARTITION, PartitionRecord, value)
export const configRecord = (value: Encodable<typeof ConfigRecord>) => recordOf(RecordType.CONFIG, ConfigRecord, value)
export const partitionChangeRecord = (value: Encodable<typeof PartitionChangeRecord>) =>
  recordOf(RecordType.PARTITION_CHANGE, PartitionChangeRecord, value)
export const removeTopicRecord = (value: Encodable<typeof RemoveTopicRecord>) =>
  recordOf(RecordType.REMOVE_TOPIC, RemoveTopicRecord, value)
export const featureLevelRecord = (value: Encodable<typeof FeatureLevelRecord>) =>
  recordOf(RecordType.FEATURE_LEVEL, FeatureLevelRecord, value)
export const producerIdsRecord = (value: Encodable<typeof ProducerIdsRecord>) =>
  recordOf(RecordType.PRODUCER_IDS, ProducerIdsRecord, value)

function recordOf<M extends Message>(type: number, schema: M, value: Encodable<M>): MetadataRecord {
  return { type, version: schema.versions.max, value: value as object }
}

/** Frame version, type id and version as unsigned varints, then the record: the value of a record in the log. */
export function encodeMetadataRecord({ type, version, value }: MetadataRecord): Buffer {
  const schema = schemas.get(type)
  if (schema === undefined) throw new ProtocolError(`metadata record type ${type} is unknown`)
  const writer = new Writer(128)
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(type)
  writer.uvarint(version)
  codecOf(schema, version).encode(writer, value as never)
  return writer.bytes()
}

/** Throws ProtocolError for what a newer broker wrote: half-understood metadata would be worse than no start. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) throw new ProtocolError(`metadata frame version ${frameVersion} is not known`)
  const type = reader.uvarint()
  const version = reader.uvarint()
  const schema = schemas.get(type)
  if (schema === undefined) throw new ProtocolError(`metadata record type ${type} is not known`)
  if (!inRange(schema.versions, version)) throw new ProtocolError(`${schema.name} version ${version} is not known`)
  return { type, version, value: codecOf(schema, version).decode(reader) }
}
