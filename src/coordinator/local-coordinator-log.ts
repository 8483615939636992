import { ErrorCode } from '../../protocol/errors.ts'
import {
  batchCrcIsValid,
  batchPayload,
  codecOf,
  eachBatch,
  isControl,
  isTransactional,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { ControlType, controlTypeOf, coordinatorEpochOf } from '../../protocol/records/control-record.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { Durability, LogHandle, LogStore } from '../storage/storage.ts'
import type { AppendsUnderWay } from './appends-under-way.ts'
import type {
  CoordinatorLog,
  CoordinatorRecord,
  LoggedProducer,
  LogReplay,
  LogWrite,
  ProducerIdentity,
} from './coordinator-log.ts'

const LOAD_CHUNK_BYTES = 4 * 1024 * 1024
/** Larger appends are cut into several batches, far below what a segment holds. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024
/** A batch never grows beyond this when it is decompressed; ours are not compressed, Kafka's may be. */
const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024
/** Newest Produce version there is: coordinators write nothing that an old one may not. */
const PRODUCE_VERSION = 13

export interface LocalCoordinatorLogOptions {
  /** `__consumer_offsets`. */
  readonly topic: string
  /** Partitions the topic gets when it is created; an existing topic keeps its own number. */
  readonly partitions: number
  readonly store: LogStore
  readonly metadata: Metadata
  /** Creates the topic at its first use, and resolves when it can be written to. */
  readonly ensureTopic: () => Promise<unknown>
  readonly durability: Durability
  /** What Membership says now; an append with an older fence is refused. */
  readonly fence: (shard: number) => number
  /** Shared by all brokers of this store. */
  readonly underWay: AppendsUnderWay
}

/** Coordinator logs as the partitions of an internal topic, in the same store as all others. */
export class LocalCoordinatorLog implements CoordinatorLog {
  readonly #options: LocalCoordinatorLogOptions
  /** While the topic is being created: appends queue behind it, in order. */
  #creating: Promise<unknown> | null = null

  constructor(options: LocalCoordinatorLogOptions) {
    this.#options = options
  }

  shardCount(): number {
    const { metadata, topic, partitions } = this.#options
    return metadata.image.topics.get(topic)?.partitions.length ?? partitions
  }

  producer(shard: number, producerId: number): LoggedProducer | undefined {
    const place = this.#locate(shard)
    return place && this.#options.store.producer(place.log, producerId)
  }

  async load(shard: number, replay: LogReplay): Promise<void> {
    const place = this.#locate(shard)
    if (!place) return
    const { store, topic, underWay } = this.#options
    // What the owner before wrote last may not be in the log yet, and is not to come behind what is read here.
    await underWay.settled(shard)
    const { log } = place
    // What is above may still be taken back. At the start of the process nothing is.
    const endOffset = log.offsets.highWatermark
    for (let offset = log.offsets.logStartOffset; offset < endOffset; ) {
      const read = { log, offset, maxBytes: LOAD_CHUNK_BYTES }
      const [result] = await store.read([read], { maxBytes: LOAD_CHUNK_BYTES, isolation: 'read_uncommitted' })
      try {
        if (result?.error !== ErrorCode.NONE) throw unreadable(`${topic}-${shard}`, offset, `error ${result?.error}`)
        // After a loss the log goes on behind it, and may hold nothing there yet.
        if (result.chunks.length === 0) return
        offset = replayChunks(result.chunks, offset, replay, (at, reason) =>
          unreadable(`${topic}-${shard}`, at, reason),
        )
      } finally {
        result?.release()
      }
    }
  }

  async append(shard: number, fence: number, write: LogWrite, nowMs: number): Promise<ErrorCode> {
    if (!this.#holds(shard, fence)) return ErrorCode.NOT_COORDINATOR
    if (this.#creating !== null || !this.#locate(shard)) {
      await this.#create()
      if (!this.#holds(shard, fence)) return ErrorCode.NOT_COORDINATOR
    }
    const place = this.#locate(shard)
    if (!place) return ErrorCode.COORDINATOR_NOT_AVAILABLE
    const { store, durability, underWay } = this.#options
    const { log, leaderEpoch } = place
    const appends = batchesOf(write, nowMs).map((records) => {
      const append = { log, records, origin: 'coordinator', leaderEpoch, produceVersion: PRODUCE_VERSION } as const
      return store.append([append], durability)
    })
    const results = (await underWay.track(shard, Promise.all(appends))).flat()
    return results.find(({ error }) => error !== ErrorCode.NONE)?.error ?? ErrorCode.NONE
  }

  /** Nobody else has taken the shard over; a fence below zero was never an owner's. */
  #holds(shard: number, fence: number): boolean {
    return fence >= 0 && fence === this.#options.fence(shard)
  }

  #locate(shard: number): { log: LogHandle; leaderEpoch: number } | undefined {
    const { metadata, store, topic } = this.#options
    const image = metadata.image.topics.get(topic)
    const log = image && store.get(image.id, shard)
    return log && { log, leaderEpoch: image.partitions[shard]?.leaderEpoch ?? 0 }
  }

  /**
   * Everything that arrives until the topic exists waits for the same promise and goes on in the order of arrival: the
   * promise is forgotten only behind the last of them.
   */
  #create(): Promise<unknown> {
    if (this.#creating === null) {
      const creating = this.#options.ensureTopic()
      this.#creating = creating
      const forget = () => {
        this.#creating = null
      }
      creating.then(forget, forget)
    }
    return this.#creating
  }
}

/** State that is made of some of the records only is worse than none: nobody could tell. */
function unreadable(partition: string, offset: number, reason: string): Error {
  return new Error(
    `${partition} cannot be read at offset ${offset}: ${reason}. ` +
      `Restore the folder ${partition} from a backup, or move it away to begin without what it holds.`,
  )
}

/** Returns the offset after the last record of the chunks. */
function replayChunks(
  chunks: readonly Buffer[],
  from: number,
  replay: LogReplay,
  damaged: (offset: number, reason: string) => Error,
): number {
  let next = from
  for (const chunk of chunks) {
    for (const at of eachBatch(chunk)) {
      const header = readBatchHeader(chunk, at)
      next = header.baseOffset + header.lastOffsetDelta + 1
      if (!batchCrcIsValid(chunk, at)) throw damaged(header.baseOffset, 'the CRC is wrong')
      const { attributes, producerId, producerEpoch } = header
      const payload = decompress(codecOf(attributes), batchPayload(chunk, at), MAX_DECOMPRESSED_BYTES)
      const producer = isTransactional(attributes) ? { producerId, producerEpoch } : null
      for (const { offset, key, value } of readRecords(payload, header)) {
        if (offset < from || key === null) continue
        if (!isControl(attributes)) replay.record({ key, value }, producer)
        else if (producer !== null) replayMarker(replay, producer, key, value)
      }
    }
  }
  return next
}

function replayMarker(replay: LogReplay, producer: ProducerIdentity, key: Buffer, value: Buffer | null): void {
  const type = controlTypeOf(key)
  if (type !== ControlType.COMMIT && type !== ControlType.ABORT) return
  const commit = type === ControlType.COMMIT
  replay.transactionEnd({ ...producer, commit, coordinatorEpoch: coordinatorEpochOf(value) })
}

/** What a write looks like in the log. Kafka gives the batches of a transaction sequence 0; nobody checks it. */
function batchesOf({ records, producer, transactionEnd }: LogWrite, nowMs: number): Buffer[] {
  if (transactionEnd !== null) return [buildEndTransactionMarker({ ...transactionEnd, timestamp: nowMs })]
  const inTransaction = producer === null ? {} : { ...producer, baseSequence: 0, transactional: true }
  return inBatches(records).map((batch) =>
    buildBatch({ ...inTransaction, records: batch.map(({ key, value }) => ({ timestamp: nowMs, key, value })) }),
  )
}

/** Cuts a long list of records where a batch would grow too large; a single record is never cut. */
function inBatches(records: readonly CoordinatorRecord[]): CoordinatorRecord[][] {
  const batches: CoordinatorRecord[][] = [[]]
  let bytes = 0
  for (const record of records) {
    const size = record.key.length + (record.value?.length ?? 0)
    if (bytes > 0 && bytes + size > MAX_BATCH_BYTES) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)!.push(record)
    bytes += size
  }
  return batches
}
