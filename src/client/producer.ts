import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { CompressionCodec } from '../../protocol/records/compression.ts'
import type { Random } from '../io/random.ts'
import { Attempts } from './attempts.ts'
import { ClientError } from './client-error.ts'
import { partitionForKey } from './partitioner.ts'
import type { RequestRouter } from './request-router.ts'
import { byLeader, byTopic, type TopicLeaders, type TopicPartition } from './topic-leaders.ts'

export interface ProducedRecord {
  readonly key?: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[]
  /** Milliseconds since the epoch; now by default. */
  readonly timestamp?: number
  /** Instead of the one that the key leads to. */
  readonly partition?: number
}

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface ProduceOptions {
  /** -1 (all) by default. */
  readonly acks?: -1 | 0 | 1
  /** For records that name none. */
  readonly partition?: number
  readonly compression?: Compression
  readonly timeoutMs?: number
  /** Of a batch before it is compressed; a single record may be larger. Below Kafka's message.max.bytes by default. */
  readonly maxBatchBytes?: number
}

/** What became of one batch. */
export interface ProducedBatch extends TopicPartition {
  /** -1 with acks 0. */
  readonly baseOffset: number
  readonly recordCount: number
}

interface PendingBatch extends TopicPartition {
  readonly records: readonly NewRecord[]
  readonly bytes: Buffer
}

const CODECS: Readonly<Record<Compression, number>> = {
  none: CompressionCodec.NONE,
  gzip: CompressionCodec.GZIP,
  snappy: CompressionCodec.SNAPPY,
  lz4: CompressionCodec.LZ4,
  zstd: CompressionCodec.ZSTD,
}

/** Newer ones name topics by id. */
const NAMED_TOPICS_VERSION = 12
const MAX_BATCH_BYTES = 900_000
/** What a record costs beside key, value and headers, generously. */
const RECORD_OVERHEAD_BYTES = 40
/** How long a topic may take to come into being where the broker creates topics. */
const CREATION_MS = 5000

/** Sends records; those of one call and partition keep their order. */
export class Producer {
  readonly #router: RequestRouter
  readonly #leaders: TopicLeaders
  #nextPartition: number

  constructor(router: RequestRouter, leaders: TopicLeaders, random: Random) {
    this.#router = router
    this.#leaders = leaders
    this.#nextPartition = random.below(1 << 16)
  }

  /**
   * Resolves when the broker has them, as the acks say. Throws ClientError at the first batch that is refused; what was
   * sent before it is there. A topic that does not exist is made where the broker makes topics.
   */
  async produce(
    topic: string,
    records: readonly ProducedRecord[],
    options: ProduceOptions = {},
  ): Promise<ProducedBatch[]> {
    if (records.length === 0) return []
    const partitionCount = await this.#partitionCount(topic)
    // Without a key one partition takes a whole call, so that small records share a batch.
    const sticky = this.#nextPartition++ % partitionCount
    const byPartition = new Map<number, ProducedRecord[]>()
    for (const record of records) {
      const partition = record.partition ?? options.partition ?? partitionOf(record, partitionCount) ?? sticky
      const others = byPartition.get(partition)
      if (others === undefined) byPartition.set(partition, [record])
      else others.push(record)
    }
    const queues = [...byPartition].map(([partition, part]) => this.#batches(topic, partition, part, options))
    const done: ProducedBatch[] = []
    for (let round = 0; queues.some((queue) => round < queue.length); round++) {
      const batches = queues.flatMap((queue) => queue.slice(round, round + 1))
      done.push(...(await this.#send(batches, options)))
    }
    return done
  }

  async #partitionCount(topic: string): Promise<number> {
    const attempts = new Attempts(this.#router.clock, Math.min(CREATION_MS, this.#router.timeoutMs))
    for (;;) {
      await this.#leaders.learn([topic], { autoCreate: true })
      const { errorCode, partitions } = this.#leaders.get(topic)!
      if (errorCode === 0 && partitions.length > 0) return partitions.length
      this.#leaders.forget(topic)
      if (!isRetriable(errorCode) || !(await attempts.pause())) throw ClientError.refused(topic, errorCode)
    }
  }

  #batches(
    topic: string,
    partition: number,
    records: readonly ProducedRecord[],
    options: ProduceOptions,
  ): PendingBatch[] {
    const codec = CODECS[options.compression ?? 'none']
    const nowMs = this.#router.clock.nowMs()
    return cutBySize(records, options.maxBatchBytes ?? MAX_BATCH_BYTES).map((part) => {
      const records = part.map(({ key = null, value, headers = [], timestamp = nowMs }) => {
        return { key, value, headers, timestamp }
      })
      return { topic, partition, records, bytes: buildBatch({ records, codec }) }
    })
  }

  async #send(batches: readonly PendingBatch[], options: ProduceOptions): Promise<ProducedBatch[]> {
    const attempts = new Attempts(this.#router.clock, options.timeoutMs ?? this.#router.timeoutMs)
    const done = new Map<PendingBatch, ProducedBatch>()
    for (;;) {
      const { led, leaderless } = byLeader(
        this.#leaders,
        batches.filter((batch) => !done.has(batch)),
      )
      const refused: (readonly [PendingBatch, number, string | null])[] = leaderless.map((batch) => {
        return [batch, ErrorCode.LEADER_NOT_AVAILABLE, null]
      })
      for (const [brokerId, part] of led) refused.push(...(await this.#sendTo(brokerId, part, options, done)))
      if (refused.length === 0) return batches.map((batch) => done.get(batch)!)
      const final = refused.find(([, errorCode]) => !isRetriable(errorCode))
      if (final !== undefined || !(await attempts.pause())) {
        const [{ topic, partition }, errorCode, message] = final ?? refused[0]!
        throw ClientError.refused(`producing to ${topic}-${partition}`, errorCode, message)
      }
      await this.#leaders.learn(
        refused.map(([{ topic }]) => topic),
        { again: true },
      )
    }
  }

  async #sendTo(
    brokerId: number,
    batches: readonly PendingBatch[],
    { acks = -1, timeoutMs = this.#router.timeoutMs }: ProduceOptions,
    done: Map<PendingBatch, ProducedBatch>,
  ): Promise<(readonly [PendingBatch, number, string | null])[]> {
    const topicData = [...byTopic(batches)].map(([name, part]) => ({
      name,
      partitionData: part.map(({ partition, bytes }) => ({ index: partition, records: bytes })),
    }))
    const request = { acks, timeoutMs, topicData }
    const sending = { maxVersion: NAMED_TOPICS_VERSION, timeoutMs }
    if (acks === 0) {
      await this.#router.post(Produce, request, { brokerId }, sending)
      for (const batch of batches) done.set(batch, outcomeOf(batch, -1))
      return []
    }
    const answer = await this.#router.send(Produce, request, { brokerId }, sending)
    const refused: (readonly [PendingBatch, number, string | null])[] = []
    for (const batch of batches) {
      const row = answer.responses
        .find(({ name }) => name === batch.topic)
        ?.partitionResponses.find(({ index }) => index === batch.partition)
      if (row === undefined) throw new ClientError('protocol', `no answer for ${batch.topic}-${batch.partition}`)
      if (row.errorCode === 0) done.set(batch, outcomeOf(batch, row.baseOffset))
      else refused.push([batch, row.errorCode, row.errorMessage])
    }
    return refused
  }
}

function partitionOf({ key }: ProducedRecord, partitionCount: number): number | null {
  return key == null ? null : partitionForKey(key, partitionCount)
}

function outcomeOf({ topic, partition, records }: PendingBatch, baseOffset: number): ProducedBatch {
  return { topic, partition, baseOffset, recordCount: records.length }
}

function cutBySize(records: readonly ProducedRecord[], limitBytes: number): ProducedRecord[][] {
  const parts: ProducedRecord[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const own = sizeOf(record)
    bytes += own
    if (bytes > limitBytes) {
      parts.push([])
      bytes = own
    }
    parts.at(-1)!.push(record)
  }
  return parts
}

function sizeOf({ key, value, headers = [] }: ProducedRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += Buffer.byteLength(header.key) + (header.value?.length ?? 0) + 10
  return bytes
}
