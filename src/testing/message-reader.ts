import { ErrorCode, errorName } from '../../protocol/errors.ts'
import { AbortedProducers } from '../../protocol/records/aborted-producers.ts'
import { batchPayload, codecOf, eachBatch, readBatchHeader } from '../../protocol/records/batch.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { Isolation, LogHandle, LogStore, ReadResult } from '../storage/storage.ts'
import { Message } from './message.ts'

const CHUNK_BYTES = 1024 * 1024
/** What one batch may grow to when it is decompressed. */
const MAX_DECOMPRESSED_BYTES = 1024 * 1024 * 1024

/** Reads one partition from where it stands to where it ends, again and again. */
export class MessageReader {
  readonly #store: LogStore
  readonly #log: LogHandle
  readonly #isolation: Isolation
  #offset: number

  constructor(store: LogStore, log: LogHandle, offset: number, isolation: Isolation) {
    this.#store = store
    this.#log = log
    this.#offset = offset
    this.#isolation = isolation
  }

  /** Everything that may be read by now and was not yet. */
  async *read(): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      const { logStartOffset, highWatermark, lastStableOffset } = this.#log.offsets
      const end = this.#isolation === 'read_committed' ? lastStableOffset : highWatermark
      // Retention may have passed by.
      this.#offset = Math.max(this.#offset, logStartOffset)
      if (this.#offset >= end) return
      const read = { log: this.#log, offset: this.#offset, maxBytes: CHUNK_BYTES }
      const [result] = await this.#store.read([read], { maxBytes: CHUNK_BYTES, isolation: this.#isolation })
      if (result!.error === ErrorCode.OFFSET_OUT_OF_RANGE) continue
      if (result!.error !== ErrorCode.NONE) {
        const { topic, partition } = this.#log
        throw new Error(`${topic}-${partition} cannot be read at offset ${this.#offset}: ${errorName(result!.error)}`)
      }
      const messages = this.#decode(result!)
      result!.release()
      yield* messages
    }
  }

  /** Copies: what the store lent is given back before anybody looks at a message. */
  #decode({ chunks, abortedTransactions }: ReadResult): Message[] {
    const messages: Message[] = []
    const aborted = new AbortedProducers(abortedTransactions ?? [])
    const from = this.#offset
    for (const chunk of chunks) {
      for (const at of eachBatch(chunk)) {
        const header = readBatchHeader(chunk, at)
        this.#offset = header.baseOffset + header.lastOffsetDelta + 1
        if (aborted.hides(header)) continue
        const payload = decompress(codecOf(header.attributes), batchPayload(chunk, at), MAX_DECOMPRESSED_BYTES)
        for (const record of readRecords(payload, header)) {
          if (record.offset >= from) messages.push(new Message(this.#log.topic, this.#log.partition, record))
        }
      }
    }
    return messages
  }
}
