import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { batchPayload, codecOf, eachBatch, lastOffset, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { WireClient } from './wire-client.ts'

const TIMEOUT_MS = 10_000
const DECOMPRESSED_LIMIT_BYTES = 1 << 26

/** The few things that most process tests do, each in one line. An answer with an error is an error. */
export class PlainClient {
  readonly wire: WireClient

  private constructor(wire: WireClient) {
    this.wire = wire
  }

  static async connect(port: number): Promise<PlainClient> {
    return new PlainClient(await WireClient.connect(port))
  }

  close(): Promise<void> {
    return this.wire.close()
  }

  async createTopic(name: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const answer = await this.wire.send(CreateTopics, 5, {
      topics: [
        {
          name,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: TIMEOUT_MS,
    })
    refuseError(`creating ${name}`, answer.topics[0]!.errorCode, answer.topics[0]!.errorMessage)
  }

  /** Partitions of a topic; null where there is none. Does not create it unless asked to. */
  async partitionCount(name: string, allowAutoTopicCreation = false): Promise<number | null> {
    const answer = await this.wire.send(Metadata, 7, { topics: [{ name }], allowAutoTopicCreation })
    const topic = answer.topics[0]!
    return topic.errorCode === 0 ? topic.partitions.length : null
  }

  /** Values in one batch; gives the offset of the first. */
  produce(topic: string, values: readonly string[], { acks = -1, ...batch }: ProduceOptions = {}): Promise<number> {
    const timestamp = Date.now()
    const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value) }))
    return this.produceBatch(topic, buildBatch({ ...batch, records }), acks)
  }

  async produceBatch(topic: string, batch: Buffer, acks = -1, index = 0): Promise<number> {
    const answer = await this.wire.send(Produce, 9, {
      acks,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index, records: batch }] }],
    })
    const partition = answer.responses[0]!.partitionResponses[0]!
    refuseError(`producing to ${topic}`, partition.errorCode, partition.errorMessage)
    return partition.baseOffset
  }

  /** Whole batches of a partition from an offset on; none at its end. */
  async fetch(topic: string, fetchOffset: number, partition = 0): Promise<Buffer> {
    const answer = await this.wire.send(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
      forgottenTopicsData: [],
    })
    const { errorCode, records } = answer.responses[0]!.partitions[0]!
    refuseError(`reading ${topic}-${partition}`, errorCode, null)
    return records ?? Buffer.alloc(0)
  }

  /** All values of a partition, from the first to the last. */
  async readAll(topic: string, partition = 0): Promise<string[]> {
    const values: string[] = []
    for (let next = 0, from = -1; next > from; ) {
      from = next
      const bytes = await this.fetch(topic, from, partition)
      for (const at of eachBatch(bytes)) {
        const header = readBatchHeader(bytes, at)
        const codec = codecOf(header.attributes)
        const payload = batchPayload(bytes, at)
        const plain = codec === 0 ? payload : decompress(codec, payload, DECOMPRESSED_LIMIT_BYTES)
        for (const { value } of readRecords(plain, header)) values.push(String(value))
        next = lastOffset(bytes, at) + 1
      }
    }
    return values
  }

  async commit(group: string, topic: string, committedOffset: number): Promise<void> {
    const answer = await this.wire.send(OffsetCommit, 7, {
      groupId: group,
      memberId: '',
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }],
    })
    refuseError(`committing for ${group}`, answer.topics[0]!.partitions[0]!.errorCode, null)
  }

  /** -1 where nothing is committed. */
  async committed(group: string, topic: string, partition = 0): Promise<number> {
    const answer = await this.wire.send(OffsetFetch, 7, {
      groupId: group,
      topics: [{ name: topic, partitionIndexes: [partition] }],
      groups: [],
    })
    refuseError(`offsets of ${group}`, answer.errorCode, null)
    return answer.topics[0]!.partitions[0]!.committedOffset
  }
}

export type ProduceOptions = Omit<NewBatch, 'records'> & { readonly acks?: number }

function refuseError(what: string, code: number, message: string | null): void {
  if (code !== 0) throw new Error(`${what}: error ${code} ${message ?? ''}`)
}
