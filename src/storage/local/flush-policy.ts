import type { Timer } from '../../io/clock.ts'
import type { AppendOrigin, Durability } from '../storage.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'

/** Above it Kafka's Long.MAX has arrived as a number: no limit. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** What the settings flush.messages and flush.ms of a topic make of the durability that an append asks for. */
export class FlushPolicy {
  readonly #context: LogContext
  readonly #log: Log
  #timer: Timer | null = null
  /** The delay that the timer began with. */
  #timerMs = UNLIMITED

  constructor(context: LogContext, log: Log) {
    this.#context = context
    this.#log = log
  }

  /**
   * flush.messages makes every so-and-so-many-th append wait for the disk; flush.ms syncs behind them. Set by somebody,
   * also to their defaults, they mean what they mean in Kafka and take the place of the sync before the answer. What
   * coordinators write is never subject to that.
   */
  promised(durability: Durability, origin: AppendOrigin): Durability {
    const { config, logEndOffset, writer } = this.#log
    const unflushed = logEndOffset - writer.syncedOffset
    if (config['flush.messages'] < UNLIMITED && unflushed >= config['flush.messages']) return 'disk'
    this.#startTimer()
    const { explicit } = config
    const asInKafka = origin === 'client' && (explicit.has('flush.messages') || explicit.has('flush.ms'))
    return asInKafka && durability === 'disk' ? 'os' : durability
  }

  /** The settings of the topic are others now, also for what waits for its sync. */
  reconfigured(): void {
    const { config, logEndOffset, writer } = this.#log
    if (config['flush.ms'] === this.#timerMs) return
    this.#timer?.cancel()
    this.#timer = null
    this.#timerMs = UNLIMITED
    if (writer.syncedOffset < logEndOffset) this.#startTimer()
  }

  #startTimer(): void {
    const flushMs = this.#log.config['flush.ms']
    if (flushMs >= UNLIMITED || this.#timer !== null) return
    this.#timerMs = flushMs
    this.#timer = this.#context.clock.schedule(flushMs, () => this.#sync())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #sync(): void {
    this.#timer = null
    this.#timerMs = UNLIMITED
    this.#log.writer.requestSync()
    this.#context.scheduleFlush(this.#log)
  }
}
