import { batchCrcIsValid, batchPayload, codecOf, eachBatch, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { Violation } from './violation.ts'

/** A record that says who it is and how long it must be: `producer/partition/number#padding`. */
export interface Payload {
  readonly offset: number
  readonly id: string
}

const DECOMPRESSED_LIMIT_BYTES = 1 << 26

export function batchWith(
  ids: readonly string[],
  timestamp: number,
  options: Omit<NewBatch, 'records'>,
  compressing = true,
): Buffer {
  const { codec = 0, ...rest } = options
  return buildBatch({
    ...rest,
    codec: compressing ? codec : 0,
    records: ids.map((id, index) => ({
      timestamp: timestamp + index,
      key: index % 2 === 0 ? Buffer.from(id) : null,
      value: Buffer.from(`${id}:${'x'.repeat(paddingOf(id))}`),
      headers: index % 3 === 0 ? [] : [{ key: 'id', value: Buffer.from(id) }],
    })),
  })
}

/** All records of the batches, each checked as far as it can be by itself. */
export function payloadsOf(bytes: Buffer, where: string): Payload[] {
  const payloads: Payload[] = []
  for (const at of eachBatch(bytes)) {
    if (!batchCrcIsValid(bytes, at)) throw new Violation(`${where}: a batch with a wrong CRC`)
    const header = readBatchHeader(bytes, at)
    const codec = codecOf(header.attributes)
    const payload = batchPayload(bytes, at)
    const plain = codec === 0 ? payload : decompress(codec, payload, DECOMPRESSED_LIMIT_BYTES)
    for (const { offset, value } of readRecords(plain, header)) {
      const text = String(value)
      const id = text.slice(0, text.indexOf(':'))
      if (text.length !== id.length + 1 + paddingOf(id)) throw new Violation(`${where}: ${id} at ${offset} is damaged`)
      payloads.push({ offset, id })
    }
  }
  return payloads
}

function paddingOf(id: string): number {
  return Number(id.slice(id.indexOf('#') + 1))
}
