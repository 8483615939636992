import type { Isolation } from '../storage/storage.ts'
import type { Life } from './life.ts'
import type { Message } from './message.ts'
import { MessageReader } from './message-reader.ts'

/** Which records are read. */
export interface ReadOptions {
  /** One partition only; all by default. */
  readonly partition?: number
  /** `start`, the default, or `end`: what comes from now on (with `follow`). */
  readonly from?: 'start' | 'end'
  /** Wait for more instead of ending; leave the loop, or abort the signal, to stop. */
  readonly follow?: boolean
  /** `read_committed` by default: nothing of transactions that are open or were aborted. */
  readonly isolation?: Isolation
  readonly signal?: AbortSignal
}

/** One topic as a test looks at it: past every limit of clients, straight from the log. */
export class TopicView {
  /** Of the topic. */
  readonly name: string
  readonly #life: () => Life

  /** @internal */
  constructor(name: string, life: () => Life) {
    this.name = name
    this.#life = life
  }

  /** One past the last offset of each partition, in order. Throws RangeError when there is no such topic. */
  get endOffsets(): readonly number[] {
    return this.#logs().map(({ offsets }) => offsets.highWatermark)
  }

  /**
   * The records of the topic, partition after partition; with `follow` as they come. Each message is a copy. Throws
   * RangeError when there is no such topic or partition.
   */
  async *messages(options: ReadOptions = {}): AsyncGenerator<Message, void, undefined> {
    const { from = 'start', follow = false, isolation = 'read_committed', signal } = options
    const { odradek, advances } = this.#life()
    const { store } = odradek.engine
    const readers = this.#logs(options.partition).map((log) => {
      const { logStartOffset, highWatermark } = log.offsets
      return new MessageReader(store, log, from === 'start' ? logStartOffset : highWatermark, isolation)
    })
    for (;;) {
      const moved = follow ? advances.next(signal) : null
      for (const reader of readers) {
        for await (const message of reader.read()) {
          if (signal?.aborted) return
          yield message
        }
      }
      if (moved === null || !(await moved)) return
    }
  }

  #logs(partition?: number) {
    const { metadata, store } = this.#life().odradek.engine
    const topic = metadata.image.topics.get(this.name)
    if (topic === undefined) {
      const names = [...metadata.image.topics.values()]
        .filter(({ internal }) => !internal)
        .map(({ name }) => name)
        .sort()
      throw new RangeError(`there is no topic ${this.name}; there are: ${names.join(', ') || 'none'}`)
    }
    if (partition !== undefined && topic.partitions[partition] === undefined) {
      throw new RangeError(`${this.name} has no partition ${partition}, only 0 to ${topic.partitions.length - 1}`)
    }
    const indexes = partition === undefined ? topic.partitions.map(({ index }) => index) : [partition]
    return indexes.map((index) => store.get(topic.id, index)!)
  }
}
