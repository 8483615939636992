import type { DecodedResponseOf } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { batchPayload, eachBatch, isControl, isTransactional, readBatchHeader } from '../../protocol/records/batch.ts'
import { ControlType, controlTypeOf } from '../../protocol/records/control-record.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Client, ConnectionLost } from './client.ts'
import { payloadsOf } from './payload.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

type PartitionResponse = DecodedResponseOf<typeof Fetch>['responses'][number]['partitions'][number]

/** Topics go by name up to here. */
const FETCH_VERSION = 12
const OFFSET_FETCH_VERSION = 7
const READ_COMMITTED = 1
const WAIT_MS = 300
const BYTES = 40_000
/** Errors that pass. */
const PASSING: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
])

/** Reads what was committed as clients do: up to the last stable offset, and without the records of aborted transactions. */
export class CommittedReader {
  readonly #world: World
  readonly #client: Client
  readonly #random: SimulatedRandom
  readonly #topic: string
  readonly #partitions: number

  constructor(world: World, name: string, topic: string, partitions: number) {
    this.#world = world
    this.#random = world.fork()
    this.#client = new Client(world, name, this.#random)
    this.#client.pin(Fetch, FETCH_VERSION)
    this.#client.pin(OffsetFetch, OFFSET_FETCH_VERSION)
    this.#topic = topic
    this.#partitions = partitions
  }

  /** Looks again and again at whatever there is, from anywhere. */
  async run(): Promise<void> {
    const positions = Array.from({ length: this.#partitions }, () => 0)
    while (!this.#world.isDrained) {
      const partition = this.#random.below(this.#partitions)
      const read = await this.#read(partition, positions[partition]!)
      for (const id of read?.ids ?? []) this.#world.transactions.saw(id, this.#client.name)
      positions[partition] = read === null || this.#random.below(20) === 0 ? 0 : read.position
      await this.#world.clock.sleep(this.#random.below(200))
    }
    this.#client.close()
  }

  /** Everything, once all transactions have ended; and what each of the groups has committed. */
  async finish(groups: ReadonlyMap<string, string>): Promise<void> {
    const partitions: string[][] = []
    for (let partition = 0; partition < this.#partitions; partition++) partitions.push(await this.#readAll(partition))
    const offsets = new Map<string, number>()
    for (const [name, group] of groups) offsets.set(name, await this.#committedOffset(group))
    this.#client.close()
    this.#world.transactions.check(partitions, (name) => offsets.get(name) ?? -1)
  }

  async #readAll(partition: number): Promise<string[]> {
    const all: string[] = []
    for (let position = 0; ; ) {
      const read = await this.#read(partition, position)
      if (read === null) throw new Violation(`${this.#topic}-${partition} cannot be read at ${position}`)
      all.push(...read.ids)
      position = read.position
      if (position >= read.highWatermark) return all
      if (read.lastStableOffset < read.highWatermark) {
        throw new Violation(`${this.#topic}-${partition}: a transaction is open at ${read.lastStableOffset}`)
      }
    }
  }

  /** Null for a position that the log does not have. */
  async #read(partition: number, position: number) {
    const { errorCode, ...found } = await this.#patiently(async () => {
      const partitions = [{ partition, fetchOffset: position, partitionMaxBytes: BYTES }]
      const request = { maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: BYTES, isolationLevel: READ_COMMITTED }
      const topics = [{ topic: this.#topic, partitions }]
      const { responses } = await this.#client.call(Fetch, {
        ...request,
        sessionEpoch: -1,
        topics,
        forgottenTopicsData: [],
      })
      return responses[0]!.partitions[0]!
    })
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return null
    this.#world.checkError(this.#client, 'Fetch', errorCode)
    if (errorCode !== ErrorCode.NONE) return null
    const { highWatermark, lastStableOffset } = found
    return { ...visible(found, position, `${this.#topic}-${partition}`), highWatermark, lastStableOffset }
  }

  async #committedOffset(groupId: string): Promise<number> {
    const found = await this.#patiently(async () => {
      const topics = [{ name: this.#topic, partitionIndexes: [0] }]
      const answer = await this.#client.call(OffsetFetch, { groupId, topics, requireStable: true })
      if (answer.errorCode !== ErrorCode.NONE) return { errorCode: answer.errorCode, committedOffset: -1 }
      return answer.topics[0]!.partitions[0]!
    })
    this.#world.checkError(this.#client, 'OffsetFetch', found.errorCode)
    return found.committedOffset
  }

  async #patiently<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await ask()
        if (!PASSING.has(answer.errorCode)) return answer
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
      }
      await this.#world.clock.sleep(100 + this.#random.below(300))
    }
  }
}

/** What a client hands to its application, and where it goes on. */
function visible({ records, abortedTransactions }: Omit<PartitionResponse, 'errorCode'>, from: number, where: string) {
  const aborted = [...(abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<number>()
  const ids: string[] = []
  let position = from
  const bytes = records ?? Buffer.alloc(0)
  for (const at of eachBatch(bytes)) {
    const header = readBatchHeader(bytes, at)
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    position = lastOffset + 1
    while (aborted.length > 0 && aborted[0]!.firstOffset <= lastOffset) aborting.add(aborted.shift()!.producerId)
    if (isControl(header.attributes)) {
      const [marker] = readRecords(batchPayload(bytes, at), header)
      if (controlTypeOf(marker?.key ?? null) === ControlType.ABORT) aborting.delete(header.producerId)
      continue
    }
    if (isTransactional(header.attributes) && aborting.has(header.producerId)) continue
    const batch = bytes.subarray(at, at + header.sizeBytes)
    ids.push(...payloadsOf(batch, where).flatMap(({ offset, id }) => (offset >= from ? [id] : [])))
  }
  return { ids, position }
}
