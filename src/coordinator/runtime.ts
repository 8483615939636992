import type { Logger } from 'pino'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Clock, Timer } from '../io/clock.ts'
import type { CoordinatorLog, LogWrite } from './coordinator-log.ts'
import type { Outcome, RecordCodec, Reply, ShardEvent, ShardMachine } from './shard-machine.ts'

/** A shard whose log cannot be read is tried again after this long, and then after ever longer. */
const FIRST_RELOAD_DELAY_MS = 100
const MAX_RELOAD_DELAY_MS = 30_000
/** The token of events that nobody waits for. */
const NO_TOKEN = 0

/** Who owns a shard, and the proof of it that storage asks for. */
export interface ShardOwnership {
  isOwner(shard: number): boolean
  fence(shard: number): number
}

export interface RuntimeOptions<Q, S, T, R, N = never> {
  /** For log lines: `group`. */
  readonly kind: string
  readonly createMachine: (shard: number) => ShardMachine<Q, S, T, R, N>
  readonly codec: RecordCodec<R>
  readonly log: CoordinatorLog
  readonly ownership: ShardOwnership
  readonly clock: Clock
  readonly logger: Logger
  /** Hears what happened once it is durable. */
  readonly onNotes?: (notes: readonly N[]) => void
}

/** An append that is not yet durable, and the answers that have seen its records. */
interface Write<S, N> {
  done: boolean
  readonly replies: Reply<S>[]
  readonly notes: N[]
}

interface Waiting<Q, S> {
  readonly request: Q
  readonly resolve: (response: S) => void
}

interface Shard<Q, S, T, R, N> {
  readonly index: number
  /** idle: another broker's. */
  state: 'idle' | 'loading' | 'active' | 'closed'
  machine: ShardMachine<Q, S, T, R, N>
  /** Taken when loading began. */
  fence: number
  /** Rises with each load: what belongs to an earlier life is dropped. */
  life: number
  readonly timers: Map<string, Timer>
  /** Until it is loaded again. */
  reloadTimer: Timer | null
  readonly waiting: Map<number, Waiting<Q, S>>
  /** In the order of the log. */
  readonly writes: Write<S, N>[]
}

/**
 * Runs the shards of one kind of coordinator: loads them from their logs, appends what they decide, and lets an answer
 * go only when everything its machine had decided by then is durable, so that no one ever learns of something that a
 * crash takes back. The answers to reads are held in the same way.
 */
export class CoordinatorRuntime<Q, S, T, R, N = never> {
  readonly #options: RuntimeOptions<Q, S, T, R, N>
  readonly #shards: Shard<Q, S, T, R, N>[] = []
  readonly #appends = new Set<Promise<void>>()
  #lastToken = NO_TOKEN
  #closed = false

  constructor(options: RuntimeOptions<Q, S, T, R, N>) {
    this.#options = options
  }

  get shardCount(): number {
    return this.#shards.length
  }

  /** Loads every shard this broker owns. Rejects when a log cannot be read. */
  async start(): Promise<void> {
    const { log, createMachine } = this.#options
    for (let index = 0; index < log.shardCount(); index++) {
      const machine = createMachine(index)
      const own = { timers: new Map(), reloadTimer: null, waiting: new Map(), writes: [] }
      this.#shards.push({ index, state: 'idle', machine, fence: -1, life: 0, ...own })
    }
    await Promise.all(this.#shards.map((shard) => this.#owns(shard) && this.#load(shard)))
  }

  /** Shards may have been taken over: those of ours are loaded, and whoever asks for others is sent on. */
  followOwnership(): void {
    for (const shard of this.#shards) {
      if (shard.state === 'closed') continue
      const owned = this.#owns(shard)
      const fence = this.#fenceOf(shard)
      if (owned ? shard.state !== 'idle' && shard.fence === fence : shard.state === 'idle') continue
      this.#stop(shard, ErrorCode.NOT_COORDINATOR)
      shard.machine = this.#options.createMachine(shard.index)
      shard.state = owned ? 'loading' : 'idle'
      shard.fence = fence
      if (owned) this.#reload(shard, 0)
    }
  }

  /** Always answered: by the machine, or in the request's own shape with an error that clients retry. */
  call(index: number, request: Q): Promise<S> {
    const shard = this.#shards[index]
    const refusal = this.#refusal(shard)
    if (shard === undefined || refusal !== ErrorCode.NONE) {
      return Promise.resolve(this.#refuse(shard, request, refusal))
    }
    const token = ++this.#lastToken
    return new Promise((resolve) => {
      shard.waiting.set(token, { request, resolve })
      this.#run(shard, { kind: 'request', token, request })
    })
  }

  #refusal(shard: Shard<Q, S, T, R, N> | undefined): ErrorCode {
    if (shard === undefined || shard.state === 'closed') return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if (!this.#owns(shard)) return ErrorCode.NOT_COORDINATOR
    return shard.state === 'active' ? ErrorCode.NONE : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
  }

  #refuse(shard: Shard<Q, S, T, R, N> | undefined, request: Q, error: ErrorCode): S {
    return (shard?.machine ?? this.#options.createMachine(0)).refuse(request, error)
  }

  #owns({ index }: Shard<Q, S, T, R, N>): boolean {
    return this.#options.ownership.isOwner(index)
  }

  #fenceOf({ index }: Shard<Q, S, T, R, N>): number {
    return this.#options.ownership.fence(index)
  }

  async #load(shard: Shard<Q, S, T, R, N>): Promise<void> {
    const { codec, log, createMachine, kind, logger } = this.#options
    if (this.#closed) return
    const life = ++shard.life
    shard.state = 'loading'
    shard.fence = this.#fenceOf(shard)
    const machine = createMachine(shard.index)
    let unknown = 0
    await log.load(shard.index, {
      record: ({ key, value }, producer) => {
        const record = codec.decode(key, value)
        if (record === null) unknown++
        else machine.replay(record, producer)
      },
      transactionEnd: (end) => machine.replayTransactionEnd?.(end),
    })
    if (life !== shard.life || this.#closed) return
    if (unknown > 0) logger.warn({ kind, shard: shard.index, unknown }, 'records of an unknown kind were left alone')
    shard.machine = machine
    shard.state = 'active'
    this.#run(shard, { kind: 'loaded' })
  }

  #run(shard: Shard<Q, S, T, R, N>, event: ShardEvent<Q, T>): void {
    const nowMs = this.#options.clock.nowMs()
    try {
      const outcome = shard.machine.handle(event, nowMs)
      const { producer, transactionEnd } = outcome
      const records = outcome.records.map((record) => this.#options.codec.encode(record))
      for (const record of outcome.records) shard.machine.replay(record, producer)
      if (transactionEnd !== null) shard.machine.replayTransactionEnd?.(transactionEnd)
      this.#setTimers(shard, outcome)
      if (records.length > 0 || transactionEnd !== null) {
        this.#append(shard, { records, producer, transactionEnd }, nowMs)
      }
      const lastWrite = shard.writes.at(-1)
      if (lastWrite) {
        lastWrite.replies.push(...outcome.replies)
        if (outcome.notes.length > 0) lastWrite.notes.push(...outcome.notes)
      } else this.#tell(shard, outcome)
    } catch (error) {
      // A bug. Half an event may have been taken in, and nothing of it is written: back to what the log says.
      this.#options.logger.error({ err: error, kind: this.#options.kind, shard: shard.index }, 'coordinator failed')
      this.#abandon(shard, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    }
  }

  #setTimers(shard: Shard<Q, S, T, R, N>, { timers }: Outcome<S, T, R, N>): void {
    for (const { key, event, delayMs } of timers) {
      shard.timers.get(key)?.cancel()
      shard.timers.delete(key)
      if (event === null) continue
      const timer = this.#options.clock.schedule(delayMs, () => {
        shard.timers.delete(key)
        this.#run(shard, { kind: 'timer', timer: event })
      })
      shard.timers.set(key, timer)
    }
  }

  #append(shard: Shard<Q, S, T, R, N>, logWrite: LogWrite, nowMs: number): void {
    const { kind, log, logger } = this.#options
    const { life, index } = shard
    const write: Write<S, N> = { done: false, replies: [], notes: [] }
    shard.writes.push(write)
    const append = log
      .append(index, shard.fence, logWrite, nowMs)
      .catch((error: unknown) => {
        logger.error({ err: error, kind, shard: index }, 'append failed')
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
      })
      .then((error) => {
        this.#appends.delete(append)
        if (life === shard.life) this.#appended(shard, write, error)
      })
    this.#appends.add(append)
  }

  #appended(shard: Shard<Q, S, T, R, N>, write: Write<S, N>, error: ErrorCode): void {
    if (error !== ErrorCode.NONE) {
      this.#options.logger.warn({ kind: this.#options.kind, shard: shard.index, error }, 'coordinator lost an append')
      this.#abandon(shard, callerError(error))
      return
    }
    write.done = true
    // An answer also depends on every write before its own.
    while (shard.writes[0]?.done) this.#tell(shard, shard.writes.shift()!)
  }

  /** Observers first: who is answered may look at once at what they saw. */
  #tell(shard: Shard<Q, S, T, R, N>, { replies, notes }: Pick<Outcome<S, T, R, N>, 'replies' | 'notes'>): void {
    if (notes.length > 0) this.#observe(notes)
    for (const { token, response } of replies) {
      const waiting = shard.waiting.get(token)
      shard.waiting.delete(token)
      waiting?.resolve(response)
    }
  }

  /** Nothing that goes wrong in an observer is the shard's fault. */
  #observe(notes: readonly N[]): void {
    const { kind, logger, onNotes } = this.#options
    try {
      onNotes?.(notes)
    } catch (error) {
      logger.error({ err: error, kind }, 'what happened could not be told')
    }
  }

  /** Memory is ahead of the log: everybody is sent away, and the shard begins again from what is written. */
  #abandon(shard: Shard<Q, S, T, R, N>, error: ErrorCode): void {
    this.#stop(shard, error)
    shard.state = 'loading'
    this.#reload(shard, FIRST_RELOAD_DELAY_MS)
  }

  #stop(shard: Shard<Q, S, T, R, N>, error: ErrorCode): void {
    shard.life++
    shard.reloadTimer?.cancel()
    shard.reloadTimer = null
    for (const timer of shard.timers.values()) timer.cancel()
    shard.timers.clear()
    shard.writes.length = 0
    const sentAway = [...shard.waiting.values()]
    shard.waiting.clear()
    for (const { request, resolve } of sentAway) resolve(shard.machine.refuse(request, error))
  }

  #reload(shard: Shard<Q, S, T, R, N>, delayMs: number): void {
    const { kind, logger, clock } = this.#options
    if (this.#closed) return
    const { life } = shard
    const load = async () => {
      shard.reloadTimer = null
      // Appends of the earlier life may still reach the log; what they leave there must be read.
      await Promise.allSettled(this.#appends)
      if (life !== shard.life || !this.#owns(shard)) return
      try {
        await this.#load(shard)
      } catch (error) {
        // Somebody else's by now, or loading again already.
        if (shard.life !== life + 1) return
        logger.error({ err: error, kind, shard: shard.index }, 'coordinator cannot load')
        this.#reload(shard, Math.min(Math.max(FIRST_RELOAD_DELAY_MS, delayMs * 2), MAX_RELOAD_DELAY_MS))
      }
    }
    shard.reloadTimer = clock.schedule(delayMs, () => void load())
  }

  /** The logs are not those of before: everybody is sent away, and every shard begins with what is there now. */
  async reload(): Promise<void> {
    const owned = this.#shards.filter((shard) => shard.state !== 'closed' && this.#owns(shard))
    const begun = owned.map((shard) => {
      this.#stop(shard, ErrorCode.NOT_COORDINATOR)
      shard.state = 'loading'
      return { shard, life: shard.life }
    })
    await Promise.allSettled(this.#appends)
    // Some may have been taken over meanwhile, here or elsewhere.
    await Promise.all(begun.map(({ shard, life }) => (shard.life === life ? this.#load(shard) : null)))
  }

  /** Answers whoever still waits and resolves when the appends under way have ended. */
  async close(): Promise<void> {
    this.#closed = true
    for (const shard of this.#shards) {
      this.#stop(shard, ErrorCode.COORDINATOR_NOT_AVAILABLE)
      shard.state = 'closed'
    }
    await Promise.allSettled(this.#appends)
  }
}

/** What a failed append means to a client: look for the coordinator again, or ask it once more. */
function callerError(error: ErrorCode): ErrorCode {
  switch (error) {
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    default:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
  }
}
