import type { DecodedResponseOf } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { Client } from './client.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import { payloadsOf } from './payload.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

type Response = DecodedResponseOf<typeof Fetch>
type PartitionResponse = Response['responses'][number]['partitions'][number]

const SESSIONS_VERSION = 7
const EARLIEST = -2

/** A partition that is being read. */
export interface Reading {
  readonly topic: string
  readonly partition: number
  readonly ledger: PartitionLedger
  position: number
  /** The ledger's cuts when the position was last known to be good. */
  cuts: number
}

/** What the broker's session is believed to hold, by topic-partition: the position it was last told. */
interface Session {
  id: number
  epoch: number
  readonly told: Map<string, number>
}

export function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}-${partition}`
}

/** Reads partitions in order, with or without a fetch session, and compares every record with what was sent. */
export class Fetcher {
  readonly #world: World
  readonly #client: Client
  readonly #random: SimulatedRandom
  readonly #usesSessions: boolean
  #session: Session = newSession()
  #readings: Reading[] = []
  /** At most so many bytes at once: over a slow network a member would miss its heartbeats. */
  readonly #mostBytes: number
  records = 0

  constructor(world: World, client: Client, random: SimulatedRandom, usesSessions: boolean, mostBytes = 300_000) {
    this.#world = world
    this.#client = client
    this.#random = random
    this.#mostBytes = mostBytes
    this.#usesSessions = usesSessions && client.versionOf(Fetch) >= SESSIONS_VERSION
  }

  get readings(): readonly Reading[] {
    return this.#readings
  }

  reading(topic: string, partition: number): Reading | undefined {
    return this.#readings.find((one) => one.topic === topic && one.partition === partition)
  }

  add(topic: string, partition: number, position: number): void {
    const ledger = this.#world.topics.partition(topic, partition)
    this.#readings.push({ topic, partition, ledger, position, cuts: ledger.cuts })
  }

  /** Goes on with what was removed. */
  resume(reading: Reading): void {
    this.#readings.push(reading)
  }

  remove(reading: Reading): void {
    this.#readings = this.#readings.filter((other) => other !== reading)
  }

  clear(): void {
    this.#readings = []
  }

  /** The connection is new: what became of the last request is not known. */
  forgetSession(): void {
    this.#session = newSession()
  }

  /** One fetch; positions move behind what was read. Throws ConnectionLost. */
  async fetch(maxWaitMs: number): Promise<void> {
    const session = this.#session
    const isFull = session.epoch <= 0
    const asked = this.#readings.map((reading) => ({ reading, ...this.#floorOf(reading) }))
    const changed = isFull
      ? asked
      : asked.filter(({ reading, position }) => session.told.get(nameOf(reading)) !== position)
    const gone = isFull
      ? []
      : [...session.told.keys()].filter((name) => !asked.some((one) => nameOf(one.reading) === name))
    for (const name of gone) session.told.delete(name)
    for (const { reading, position } of changed) session.told.set(nameOf(reading), position)
    const sessions = this.#usesSessions ? { sessionId: session.id, sessionEpoch: session.epoch } : { sessionEpoch: -1 }
    const answer = await this.#client.call(
      Fetch,
      {
        maxWaitMs,
        minBytes: this.#random.below(3) === 0 ? 500 : 1,
        maxBytes: this.#random.below(4) === 0 ? 1000 : this.#mostBytes,
        ...sessions,
        topics: this.#topicsOf(changed.map(({ reading }) => reading)),
        forgottenTopicsData: gone.map((name) => this.#forgotten(name)),
      },
      maxWaitMs,
    )
    if (!this.#follow(session, answer)) return
    this.#checkMentioned(answer, asked, isFull)
    // Where there is not room for all, who was last is first next time.
    if (!this.#usesSessions) this.#readings.push(...this.#readings.splice(0, 1))
  }

  #floorOf({ position, ledger }: Reading) {
    return { position, cuts: ledger.cuts, deletedTo: ledger.deletedTo, life: this.#world.life }
  }

  #topicsOf(readings: readonly Reading[]) {
    return [...new Set(readings.map(({ topic }) => topic))].map((topic) => ({
      topic,
      topicId: this.#world.topics.get(topic).id!,
      partitions: readings
        .filter((reading) => reading.topic === topic)
        .map(({ partition, position }) => ({
          partition,
          fetchOffset: position,
          partitionMaxBytes: this.#random.below(3) === 0 ? 300 : 200_000,
        })),
    }))
  }

  #forgotten(name: string) {
    const dash = name.lastIndexOf('-')
    const topic = name.slice(0, dash)
    return { topic, topicId: this.#world.topics.get(topic).id!, partitions: [Number(name.slice(dash + 1))] }
  }

  /** False when the answer says nothing of partitions. */
  #follow(session: Session, { errorCode, sessionId }: Response): boolean {
    if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND || errorCode === ErrorCode.INVALID_FETCH_SESSION_EPOCH) {
      if (session.epoch <= 0) throw new Violation(`${this.#client.name}: a full fetch got error ${errorCode}`)
      this.#session = newSession()
      return false
    }
    this.#world.checkError(this.#client, 'Fetch', errorCode)
    if (errorCode !== ErrorCode.NONE) return false
    if (!this.#usesSessions || this.#session !== session) return true
    if (session.epoch <= 0) {
      if (sessionId === 0) this.#session = newSession()
      else session.id = sessionId
    } else if (sessionId !== session.id) {
      throw new Violation(`${this.#client.name}: session ${session.id} was answered as ${sessionId}`)
    }
    session.epoch++
    return true
  }

  #checkMentioned(answer: Response, asked: readonly Asked[], isFull: boolean): void {
    const left = new Set(asked)
    for (const { topic, topicId, partitions } of answer.responses) {
      for (const partition of partitions) {
        const one = [...left].find(
          ({ reading }) =>
            reading.partition === partition.partitionIndex &&
            (reading.topic === topic || this.#world.topics.get(reading.topic).id === topicId),
        )
        if (one === undefined) {
          const name = `${topic || topicId}-${partition.partitionIndex}`
          throw new Violation(`${this.#client.name}: an answer for ${name}, which was not asked for`)
        }
        left.delete(one)
        this.#take(one, partition)
      }
    }
    if (isFull && left.size > 0) {
      throw new Violation(`${this.#client.name}: a full fetch says nothing of ${nameOf([...left][0]!.reading)}`)
    }
  }

  #take({ reading, position, cuts, deletedTo, life }: Asked, answer: PartitionResponse): void {
    const { ledger } = reading
    const where = `${this.#client.name} reading ${nameOf(reading)} at ${position}`
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const isExplained = position < ledger.deleteBound || ledger.cuts !== reading.cuts
      if (!isExplained) throw new Violation(`${where}: out of range`)
      reading.position = -1
      return
    }
    this.#world.checkError(
      this.#client,
      `Fetch of ${nameOf(reading)} at ${reading.position}`,
      answer.errorCode,
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    )
    if (answer.errorCode !== ErrorCode.NONE) return
    if (answer.logStartOffset >= 0 && answer.logStartOffset < deletedTo) {
      throw new Violation(`${where}: the log starts at ${answer.logStartOffset}, not at ${deletedTo}`)
    }
    // What a broker that has since lost its power said is not known to anybody any more.
    if (ledger.cuts !== cuts || this.#world.life !== life) return
    // Between the high watermark and the end of the log nothing is known yet: a kill may take it back.
    if (position <= answer.highWatermark) reading.cuts = cuts
    let next = position
    for (const { offset, id } of payloadsOf(answer.records ?? Buffer.alloc(0), where)) {
      if (offset < next) {
        if (next > position) throw new Violation(`${where}: offset ${offset} comes after ${next - 1}`)
        continue
      }
      if (offset !== next) throw new Violation(`${where}: offset ${offset} where ${next} belongs`)
      if (offset >= answer.highWatermark) throw new Violation(`${where}: ${offset} lies beyond the high watermark`)
      ledger.saw(offset, id, where)
      this.records++
      next++
    }
    if (reading.position === position) reading.position = next
  }

  /** Gives a position to what has none, as auto.offset.reset=earliest does. Throws ConnectionLost. */
  async reset(): Promise<void> {
    for (const reading of this.#readings.filter(({ position }) => position < 0)) {
      const { deletedTo, cuts } = reading.ledger
      const partitions = [{ partitionIndex: reading.partition, timestamp: EARLIEST }]
      const answer = await this.#client.call(ListOffsets, {
        replicaId: -1,
        isolationLevel: 0,
        timeoutMs: 30_000,
        topics: [{ name: reading.topic, partitions }],
      })
      const { errorCode, offset } = answer.topics[0]!.partitions[0]!
      this.#world.checkError(this.#client, 'ListOffsets', errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
      if (errorCode !== ErrorCode.NONE) continue
      if (offset < deletedTo) throw new Violation(`${nameOf(reading)} begins at ${offset}, not at ${deletedTo}`)
      reading.position = offset
      reading.cuts = cuts
    }
  }
}

interface Asked {
  readonly reading: Reading
  readonly position: number
  readonly cuts: number
  readonly deletedTo: number
  readonly life: number
}

function newSession(): Session {
  return { id: 0, epoch: 0, told: new Map() }
}
