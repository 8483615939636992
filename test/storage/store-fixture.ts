import { batchCrcIsValid, batchPayload, codecOf, eachBatch, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { type KafkaRecord, readRecords } from '../../protocol/records/record.ts'
import { defaultTopicConfig, type TopicConfig } from '../../src/config/topic-config.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import { LocalLogStore, type LocalLogStoreOptions } from '../../src/storage/local/local-log-store.ts'
import type { AppendResult, Durability, LogHandle, LogIdentity, ReadResult } from '../../src/storage/storage.ts'

export const NOW_MS = 1_700_000_000_000
export const TOPIC_ID = 'dG9waWMtaWQtb2YtdGVzdA'

export function identity(topic = 'topic', partition = 0, topicId = TOPIC_ID): LogIdentity {
  return { topic, topicId, partition }
}

export interface Fixture {
  readonly fileSystem: SimulatedFileSystem
  readonly clock: SimulatedClock
  readonly store: LocalLogStore
  readonly reports: string[]
}

/** A store on a simulated disk; give the disk of an earlier one to start again on what is left there. */
export async function openFixture(
  options: { fileSystem?: SimulatedFileSystem; clock?: SimulatedClock } & Partial<
    Omit<LocalLogStoreOptions, 'fileSystem' | 'clock'>
  > = {},
): Promise<Fixture> {
  const clock = options.clock ?? new SimulatedClock(NOW_MS)
  const fileSystem = options.fileSystem ?? new SimulatedFileSystem({ nowMs: () => clock.nowMs() })
  const reports: string[] = []
  const store = await LocalLogStore.open({
    directory: '/data',
    random: new SimulatedRandom(1),
    work: simulatedWork(),
    nodeId: 1,
    clusterId: 'cluster',
    report: (level, message) => reports.push(`${level}: ${message}`),
    ...options,
    fileSystem,
    clock,
  })
  return { fileSystem, clock, store, reports }
}

/** Segments of Kafka's least size would make tests slow: here they may have any. */
export function config(overrides: Partial<TopicConfig> = {}): TopicConfig {
  return defaultTopicConfig(overrides)
}

export type BatchOptions = Omit<NewBatch, 'records'>

/** One batch with a record per value; timestamps are the fixture's time unless given. */
export function batchOf(values: readonly string[], options: BatchOptions & { timestamp?: number } = {}): Buffer {
  const { timestamp = NOW_MS, ...rest } = options
  return buildBatch({
    ...rest,
    records: values.map((value) => ({ timestamp, key: Buffer.from('key'), value: Buffer.from(value) })),
  })
}

export async function appendTo(
  store: LocalLogStore,
  log: LogHandle,
  records: Buffer,
  options: {
    durability?: Durability
    origin?: 'client' | 'coordinator'
    produceVersion?: number
    leaderEpoch?: number
  } = {},
): Promise<AppendResult> {
  const append = {
    log,
    records,
    origin: options.origin ?? 'client',
    leaderEpoch: options.leaderEpoch ?? 0,
    produceVersion: options.produceVersion ?? 11,
  } as const
  const [result] = await store.append([append], options.durability ?? 'os')
  return result!
}

export async function readFrom(
  store: LocalLogStore,
  log: LogHandle,
  offset: number,
  options: { maxBytes?: number; isolation?: 'read_uncommitted' | 'read_committed' } = {},
): Promise<ReadResult> {
  const maxBytes = options.maxBytes ?? 1_000_000
  const isolation = options.isolation ?? 'read_uncommitted'
  const [result] = await store.read([{ log, offset, maxBytes }], { maxBytes, isolation })
  return result!
}

/** The records of whole batches, decompressed; every CRC is checked. */
export function recordsOf(chunks: readonly Buffer[]): KafkaRecord[] {
  const records: KafkaRecord[] = []
  for (const chunk of chunks) {
    for (const at of eachBatch(chunk)) {
      if (!batchCrcIsValid(chunk, at)) throw new Error(`wrong CRC at ${at}`)
      const header = readBatchHeader(chunk, at)
      const plain = decompress(codecOf(header.attributes), batchPayload(chunk, at), 100_000_000)
      for (const record of readRecords(Buffer.from(plain), header)) records.push(record)
    }
  }
  return records
}

/** Everything a reader sees from the log start on, in reads of at most so many bytes. */
export async function readAll(store: LocalLogStore, log: LogHandle, maxBytes = 4096): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = []
  let offset = log.offsets.logStartOffset
  while (offset < log.offsets.highWatermark) {
    const result = await readFrom(store, log, offset, { maxBytes })
    if (result.error !== 0) throw new Error(`error ${result.error} at offset ${offset}`)
    const found = recordsOf(result.chunks).map((record) => ({
      ...record,
      value: record.value && Buffer.from(record.value),
    }))
    result.release()
    if (found.length === 0) throw new Error(`nothing at offset ${offset} of ${log.offsets.highWatermark}`)
    records.push(...found.filter((record) => record.offset >= offset))
    offset = records.at(-1)!.offset + 1
  }
  return records
}

export function valuesOf(records: readonly KafkaRecord[]): string[] {
  return records.map((record) => record.value?.toString() ?? '')
}
