import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchRequest } from '../../protocol/messages/01-fetch.ts'
import type { Clock } from '../io/clock.ts'
import type { Random } from '../io/random.ts'

/** A session may be thrown out for a newcomer once it was idle this long (KIP-227). */
const EVICTION_MS = 120_000
const FINAL_EPOCH = -1
const INITIAL_EPOCH = 0
const MAX_EPOCH = 0x7fffffff

/** One partition as a client wants it read, and what it was last told of it. */
export interface FetchPartition {
  /** Empty in requests by topic id. */
  readonly topic: string
  /** The zero id in requests by name. */
  readonly topicId: string
  readonly index: number
  currentLeaderEpoch: number
  fetchOffset: number
  lastFetchedEpoch: number
  maxBytes: number
  /** As last answered; -1 makes the next answer mention the partition in any case. */
  sentHighWatermark: number
  sentLogStartOffset: number
}

/** What a client fetches again and again without listing it (KIP-227). */
export class FetchSession {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  nextEpoch = 1
  /** In the order in which they are served. */
  readonly partitions: Map<string, FetchPartition>

  constructor(id: number, usesTopicIds: boolean, nowMs: number, partitions: Map<string, FetchPartition>) {
    this.id = id
    this.usesTopicIds = usesTopicIds
    this.createdMs = nowMs
    this.lastUsedMs = nowMs
    this.partitions = partitions
  }

  /** Partitions that returned data go to the end, so that small limits starve nobody. */
  moveToEnd(partition: FetchPartition): void {
    const key = keyOf(partition.topic, partition.topicId, partition.index)
    if (!this.partitions.delete(key)) return
    this.partitions.set(key, partition)
  }
}

/** What a fetch request means, its session looked up. */
export type FetchPlan =
  | { readonly error: ErrorCode }
  | {
      readonly error: typeof ErrorCode.NONE
      readonly partitions: readonly FetchPartition[]
      /** Null: sessionless, or no room for one. */
      readonly session: FetchSession | null
      /** Only what changed is answered. */
      readonly incremental: boolean
    }

/** Fetch sessions of this broker. They belong to no connection and survive reconnects. */
export class FetchSessionCache {
  readonly #clock: Clock
  readonly #random: Random
  readonly #slots: number
  /** In order of last use, oldest first. */
  readonly #sessions = new Map<number, FetchSession>()

  constructor(clock: Clock, random: Random, slots: number) {
    this.#clock = clock
    this.#random = random
    this.#slots = slots
  }

  get size(): number {
    return this.#sessions.size
  }

  /** What is fetched in a session without being listed; nothing where there is no such session. */
  partitionsIn(sessionId: number): Iterable<FetchPartition> {
    return this.#sessions.get(sessionId)?.partitions.values() ?? []
  }

  /** Takes in a request: finds, makes, changes or ends its session. */
  plan(request: FetchRequest, apiVersion: number): FetchPlan {
    const usesTopicIds = apiVersion >= 13
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(sessionId)
      const partitions = partitionsOf(request)
      const session = sessionEpoch === INITIAL_EPOCH ? this.#create(usesTopicIds, partitions) : null
      return { error: ErrorCode.NONE, partitions: [...partitions.values()], session, incremental: false }
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return { error: ErrorCode.FETCH_SESSION_ID_NOT_FOUND }
    if (sessionEpoch !== session.nextEpoch) return { error: ErrorCode.INVALID_FETCH_SESSION_EPOCH }
    if (usesTopicIds !== session.usesTopicIds) return { error: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR }
    session.nextEpoch = session.nextEpoch === MAX_EPOCH ? 1 : session.nextEpoch + 1
    update(session, request)
    this.#touch(session)
    if (session.partitions.size > 0) {
      return { error: ErrorCode.NONE, partitions: [...session.partitions.values()], session, incremental: true }
    }
    this.#sessions.delete(sessionId)
    return { error: ErrorCode.NONE, partitions: [], session: null, incremental: true }
  }

  #create(usesTopicIds: boolean, partitions: Map<string, FetchPartition>): FetchSession | null {
    const nowMs = this.#clock.monotonicMs()
    if (!this.#makeRoom(partitions.size, nowMs)) return null
    const session = new FetchSession(this.#freeId(), usesTopicIds, nowMs, partitions)
    this.#sessions.set(session.id, session)
    return session
  }

  /** Evicts the longest unused session if it is stale, else one that is smaller than the newcomer and no longer new. */
  #makeRoom(newcomerPartitions: number, nowMs: number): boolean {
    if (this.#sessions.size < this.#slots) return true
    const [oldest] = this.#sessions.values()
    if (oldest === undefined) return false
    if (nowMs - oldest.lastUsedMs > EVICTION_MS) return this.#sessions.delete(oldest.id)
    for (const session of this.#sessions.values()) {
      const established = nowMs - session.createdMs > EVICTION_MS
      if (established && session.partitions.size < newcomerPartitions) return this.#sessions.delete(session.id)
    }
    return false
  }

  #touch(session: FetchSession): void {
    session.lastUsedMs = this.#clock.monotonicMs()
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
  }

  #freeId(): number {
    for (;;) {
      const id = 1 + this.#random.below(MAX_EPOCH)
      if (!this.#sessions.has(id)) return id
    }
  }
}

function partitionsOf(request: FetchRequest): Map<string, FetchPartition> {
  const partitions = new Map<string, FetchPartition>()
  for (const { topic, topicId, partitions: asked } of request.topics) {
    for (const partition of asked)
      partitions.set(keyOf(topic, topicId, partition.partition), fresh(topic, topicId, partition))
  }
  return partitions
}

function update(session: FetchSession, request: FetchRequest): void {
  for (const { topic, topicId, partitions } of request.topics) {
    for (const asked of partitions) {
      const key = keyOf(topic, topicId, asked.partition)
      const known = session.partitions.get(key)
      if (known === undefined) session.partitions.set(key, fresh(topic, topicId, asked))
      else Object.assign(known, wishes(asked))
    }
  }
  // Last, as in Kafka: what is in both lists is forgotten.
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    for (const index of partitions) session.partitions.delete(keyOf(topic, topicId, index))
  }
}

type AskedPartition = FetchRequest['topics'][number]['partitions'][number]

function wishes(asked: AskedPartition) {
  return {
    currentLeaderEpoch: asked.currentLeaderEpoch,
    fetchOffset: asked.fetchOffset,
    lastFetchedEpoch: asked.lastFetchedEpoch,
    maxBytes: asked.partitionMaxBytes,
  }
}

function fresh(topic: string, topicId: string, asked: AskedPartition): FetchPartition {
  return { topic, topicId, index: asked.partition, ...wishes(asked), sentHighWatermark: -1, sentLogStartOffset: -1 }
}

function keyOf(topic: string, topicId: string, index: number): string {
  return topicId === ZERO_UUID ? `${topic}:${index}` : `${topicId}:${index}`
}
