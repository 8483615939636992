import { bench, group, run, summary } from 'mitata'
import { compiledCodec, interpretedCodec } from '../protocol/codec/codec.ts'
import { Reader } from '../protocol/codec/reader.ts'
import type { Encodable, Message } from '../protocol/codec/schema.ts'
import { Writer } from '../protocol/codec/writer.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'

/** `node bench/codec.ts`: the three messages a broker handles most, compiled against interpreted. */
const PARTITIONS = 12
const TOPIC_ID = 'x8Fhy3mHQe2Uq1zG0bT5_w'
const indexes = Array.from({ length: PARTITIONS }, (_, index) => index)
const records = Buffer.alloc(16 * 1024, 1)

const produceRequest: Encodable<typeof Produce.request> = {
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{ topicId: TOPIC_ID, partitionData: indexes.map((index) => ({ index, records })) }],
}

const fetchResponse: Encodable<typeof Fetch.response> = {
  sessionId: 1_234_567,
  responses: [
    {
      topicId: TOPIC_ID,
      partitions: indexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        highWatermark: 5_000_000_000 + partitionIndex,
        lastStableOffset: 5_000_000_000 + partitionIndex,
        logStartOffset: 0,
        abortedTransactions: null,
        records,
      })),
    },
  ],
}

const metadataResponse: Encodable<typeof Metadata.response> = {
  brokers: [1, 2, 3].map((nodeId) => ({ nodeId, host: `broker-${nodeId}.example.test`, port: 9092, rack: null })),
  clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
  controllerId: 1,
  topics: Array.from({ length: 10 }, (_, topic) => ({
    errorCode: 0,
    name: `orders-by-region-${topic}`,
    topicId: TOPIC_ID,
    partitions: indexes.map((partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: 1,
      leaderEpoch: 7,
      replicaNodes: [1, 2, 3],
      isrNodes: [1, 2, 3],
      offlineReplicas: [],
    })),
  })),
}

function encode(message: Message, version: number, value: unknown): Buffer {
  const writer = new Writer()
  compiledCodec(message, version).encode(writer, value)
  return writer.bytes()
}

function compareDecoding(title: string, message: Message, version: number, value: unknown): void {
  const frame = encode(message, version, value)
  compare(title, (codec) => codec.decode(new Reader(frame)), message, version)
}

function compareEncoding(title: string, message: Message, version: number, value: unknown): void {
  const written = (codec: ReturnType<typeof compiledCodec>) => {
    const writer = new Writer()
    codec.encode(writer, value)
    return writer.finish()
  }
  compare(title, written, message, version)
}

function compare(
  title: string,
  work: (codec: ReturnType<typeof compiledCodec>) => unknown,
  message: Message,
  version: number,
): void {
  const compiled = compiledCodec(message, version)
  const interpreted = interpretedCodec(message, version)
  group(title, () => {
    summary(() => {
      bench('compiled', () => work(compiled))
      bench('interpreted', () => work(interpreted))
    })
  })
}

compareDecoding(`Produce v13 request decode, ${PARTITIONS} partitions`, Produce.request, 13, produceRequest)
compareEncoding(`Fetch v18 response encode, ${PARTITIONS} partitions`, Fetch.response, 18, fetchResponse)
compareEncoding(
  `Metadata v13 response encode, 10 topics of ${PARTITIONS} partitions`,
  Metadata.response,
  13,
  metadataResponse,
)

await run()
