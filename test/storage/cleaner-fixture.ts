import { eachBatch, isControl, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker, type NewBatch } from '../../protocol/records/batch-builder.ts'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { checkPartition } from './segment-checker.ts'
import { appendTo, config, type Fixture, identity, NOW_MS, openFixture, readFrom, recordsOf } from './store-fixture.ts'

export const DIRECTORY = '/data/topic-0'

/** Small segments, and a round whenever there is anything to clean. */
export const COMPACTED: Partial<TopicConfig> = {
  'cleanup.policy': ['compact'],
  'segment.bytes': 400,
  'index.interval.bytes': 50,
  'min.cleanable.dirty.ratio': 0,
}

export function openCompacted(fixture: Fixture, overrides: Partial<TopicConfig> = {}): Promise<LogHandle> {
  return fixture.store.open(identity(), config({ ...COMPACTED, ...overrides }), 0)
}

/** `key=value`, or `key` alone for a tombstone. */
export type Pair = string

export type PutOptions = Omit<NewBatch, 'records'> & { readonly timestamp?: number }

export async function put(fixture: Fixture, log: LogHandle, pairs: readonly Pair[], options: PutOptions = {}) {
  const { timestamp = NOW_MS, ...rest } = options
  const records = pairs.map((pair) => {
    const [key, value] = pair.split('=')
    return { timestamp, key: Buffer.from(key!), value: value === undefined ? null : Buffer.from(value) }
  })
  const result = await appendTo(fixture.store, log, buildBatch({ ...rest, records }), { durability: 'disk' })
  if (result.error !== 0) throw new Error(`an append failed with ${result.error}: ${result.message}`)
  return result
}

export async function endTransaction(fixture: Fixture, log: LogHandle, producerId: number, commit: boolean) {
  const marker = { producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp: NOW_MS }
  await appendTo(fixture.store, log, buildEndTransactionMarker(marker), { durability: 'disk', origin: 'coordinator' })
}

export interface Seen {
  readonly offset: number
  readonly pair: Pair
}

/** What a reader gets from an offset on, as kafkajs reads: it stalls on a response without any record. */
export async function readPairs(
  fixture: Fixture,
  log: LogHandle,
  options: { from?: number; maxBytes?: number; isolation?: 'read_uncommitted' | 'read_committed' } = {},
): Promise<Seen[]> {
  const seen: Seen[] = []
  const { logStartOffset, highWatermark, lastStableOffset } = log.offsets
  const isolation = options.isolation ?? 'read_uncommitted'
  const end = isolation === 'read_committed' ? lastStableOffset : highWatermark
  for (let offset = options.from ?? logStartOffset; offset < end; ) {
    const result = await readFrom(fixture.store, log, offset, { maxBytes: options.maxBytes ?? 300, isolation })
    if (result.error !== 0) throw new Error(`error ${result.error} at offset ${offset}`)
    const records = recordsOf(result.chunks).filter((record) => record.offset >= offset)
    seen.push(
      ...records.map(({ offset: at, key, value }) => ({
        offset: at,
        pair: value === null ? `${key}` : `${key}=${value}`,
      })),
    )
    // The records of a batch may all lie before the offset: a client goes on behind the batch, but not one without records.
    const headers = result.chunks.flatMap((chunk) => [...eachBatch(chunk)].map((at) => readBatchHeader(chunk, at)))
    result.release()
    if (!headers.some(({ recordCount }) => recordCount > 0)) throw new Error(`nothing at offset ${offset} of ${end}`)
    const last = headers.at(-1)!
    offset = last.baseOffset + last.lastOffsetDelta + 1
  }
  return seen
}

/** The last value of each key, without deleted ones. */
export function latestOf(seen: readonly Seen[]): Record<string, string> {
  const latest: Record<string, string> = {}
  for (const { pair } of seen) {
    const [key, value] = pair.split('=')
    if (value === undefined) delete latest[key!]
    else latest[key!] = value
  }
  return Object.fromEntries(Object.entries(latest).sort())
}

export function filesOf(fixture: Fixture, suffix: string): string[] {
  return fixture.fileSystem.list(DIRECTORY).filter((name) => name.endsWith(suffix))
}

/** As `odradek verify` would see the files. */
export function checkFiles(fixture: Fixture, logStartOffset = 0): Promise<void> {
  return checkPartition(fixture.fileSystem, DIRECTORY, { logStartOffset, compacted: true })
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Ten keys over and over, in batches of two. */
export async function fill(fixture: Fixture, log: LogHandle, batches = 40, first = 0): Promise<void> {
  for (let index = first; index < first + batches; index++) {
    await put(fixture, log, [`k${index % 10}=a${index}`, `k${(index + 5) % 10}=b${index}`])
  }
}

export async function opened(overrides: Partial<TopicConfig> = {}, options: Parameters<typeof openFixture>[0] = {}) {
  const fixture = await openFixture(options)
  return { fixture, log: await openCompacted(fixture, overrides) }
}

/** Every asynchronous operation of the disk takes a turn of the event loop. */
export function hopping() {
  const clock = new SimulatedClock(NOW_MS)
  const latency = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { clock, fileSystem: new SimulatedFileSystem({ nowMs: () => clock.nowMs(), latency }) }
}

export async function headersFrom(fixture: Fixture, log: LogHandle) {
  const headers: ReturnType<typeof readBatchHeader>[] = []
  for (let offset = 0; offset < log.offsets.highWatermark; ) {
    const result = await readFrom(fixture.store, log, offset)
    for (const chunk of result.chunks) for (const at of eachBatch(chunk)) headers.push(readBatchHeader(chunk, at))
    result.release()
    const last = headers.at(-1)!
    offset = last.baseOffset + last.lastOffsetDelta + 1
  }
  return headers
}

export async function withTransactions() {
  const { fixture, log } = await opened()
  for (let index = 0; index < 20; index++) {
    const producerId = index % 4
    const baseSequence = 2 * Math.floor(index / 4)
    const transaction = { producerId, producerEpoch: 0, baseSequence, transactional: true }
    await put(
      fixture,
      log,
      [`k${index % 3}=${index % 4 < 2 ? 'aborted' : index}`, `own${producerId}=${index}`],
      transaction,
    )
    if (index % 2 === 0) await put(fixture, log, [`plain${index % 5}=${index}`])
    await endTransaction(fixture, log, producerId, index % 4 >= 2)
  }
  return { fixture, log }
}

/** As a client filters: by the list that comes with each response, and markers. */
export async function committedPairs(fixture: Fixture, log: LogHandle) {
  const seen: Seen[] = []
  for (let offset = log.offsets.logStartOffset; offset < log.offsets.lastStableOffset; ) {
    const result = await readFrom(fixture.store, log, offset, { maxBytes: 400, isolation: 'read_committed' })
    const aborted = [...result.abortedTransactions!]
    const ongoing = new Set<number>()
    let next = offset
    for (const chunk of result.chunks) {
      for (const at of eachBatch(chunk)) {
        const header = readBatchHeader(chunk, at)
        next = header.baseOffset + header.lastOffsetDelta + 1
        while (aborted[0] && aborted[0].firstOffset < next) ongoing.add(aborted.shift()!.producerId)
        if (isControl(header.attributes)) ongoing.delete(header.producerId)
        else if (!ongoing.has(header.producerId)) {
          for (const record of recordsOf([chunk.subarray(at, at + header.sizeBytes)])) {
            if (record.offset < offset) continue
            const pair = record.value === null ? `${record.key}` : `${record.key}=${record.value}`
            seen.push({ offset: record.offset, pair })
          }
        }
      }
    }
    result.release()
    if (next === offset) throw new Error(`nothing at offset ${offset}`)
    offset = next
  }
  return seen
}
