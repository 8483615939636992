import { Produce } from '../../protocol/messages/00-produce.ts'
import { accepted, endOffset, produceAnswer, produceRequest, refused } from './data.ts'
import type { Expected } from './matcher.ts'
import type { WireTest } from './wire-test.ts'

export type RecordErrors = Expected<{ batchIndex: number; batchIndexErrorMessage: string | null }[]>

export interface Refusal {
  readonly error: number
  readonly message?: Expected<string | null>
  readonly recordErrors?: RecordErrors
  readonly logStartOffset?: number
}

export interface Row {
  readonly what: string
  readonly records: Buffer
  readonly version?: number
  readonly configs?: Readonly<Record<string, string>>
  /** What a refusal by its number alone comes with. */
  readonly refusal?: Omit<Refusal, 'error'>
  /** A number is the error alone; null is success. */
  readonly answer: number | null | ((test: WireTest) => Refusal | number | null)
}

/** Refused where the records are looked at, the log is known already. */
export const FROM_THE_LOG = { logStartOffset: 0 }

export const DEEP = { 'odradek.record.validation': 'deep' }

export const HOUR_MS = 3_600_000

/** Kafka decompresses always, we where it is asked for. */
export function deepConfigs(test: WireTest, configs: Readonly<Record<string, string>> = {}) {
  return test.isKafka ? configs : { ...configs, ...DEEP }
}

export async function judge(test: WireTest, row: Row, configs = row.configs ?? {}): Promise<void> {
  const topic = await test.topic({ configs })
  const stated = typeof row.answer === 'function' ? row.answer(test) : row.answer
  const refusal = typeof stated === 'number' ? { error: stated, ...row.refusal } : stated
  const partition = refusal === null ? accepted(0) : refused(test, refusal.error, refusal)
  await test.expect(Produce, row.version ?? 9, produceRequest(topic, row.records), produceAnswer(topic, partition))
  const end = await endOffset(test, topic)
  test.same(end > 0, refusal === null, `whether something is in the log (up to ${end})`)
}

export function verdict({ answer }: Pick<Row, 'answer'>): string {
  if (answer === null) return 'accepted'
  return typeof answer === 'number' ? `refused with ${answer}` : 'judged'
}
