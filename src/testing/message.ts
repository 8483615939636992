import type { KafkaRecord, RecordHeader } from '../../protocol/records/record.ts'

/** A record as a test wants to look at it. */
export class Message {
  /** Where it is. */
  readonly topic: string
  /** From 0. */
  readonly partition: number
  /** Its place in the partition. */
  readonly offset: number
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestampMs: number
  /** Null when it has none. */
  readonly key: Buffer | null
  /** Null for a tombstone. */
  readonly value: Buffer | null
  /** In the order of the producer; a name may come more than once. */
  readonly headers: readonly RecordHeader[]

  /** @internal */
  constructor(topic: string, partition: number, record: Omit<KafkaRecord, 'sequence'>) {
    this.topic = topic
    this.partition = partition
    this.offset = record.offset
    this.timestampMs = record.timestamp
    this.key = record.key && Buffer.from(record.key)
    this.value = record.value && Buffer.from(record.value)
    this.headers = record.headers.map(({ key, value }) => ({ key, value: value && Buffer.from(value) }))
  }

  /** The key as UTF-8, or null. */
  get keyText(): string | null {
    return this.key?.toString('utf8') ?? null
  }

  /** The value as UTF-8, or null for a tombstone. */
  get text(): string | null {
    return this.value?.toString('utf8') ?? null
  }

  /** The value parsed as JSON. Throws SyntaxError, naming the record, for what is none. */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text ?? 'null') as T
    } catch (error) {
      const place = `${this.topic}-${this.partition} offset ${this.offset}`
      throw new SyntaxError(`the value of ${place} is no JSON: ${(error as Error).message}`)
    }
  }

  /** The last header of that name as UTF-8, or null. */
  header(name: string): string | null {
    return this.headers.findLast(({ key }) => key === name)?.value?.toString('utf8') ?? null
  }
}
