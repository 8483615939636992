import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as batch from '../../../protocol/records/batch.ts'
import { assembleBatch, buildBatch, type NewRecord } from '../../../protocol/records/batch-builder.ts'
import { CompressionError, decompress } from '../../../protocol/records/compression.ts'
import { RecordError, readRecords, walkRecords } from '../../../protocol/records/record.ts'

const LIMIT_BYTES = 1024 * 1024
const codecs = [0, 1, 2, 3, 4]

const bytes = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)) },
  { weight: 1, arbitrary: fc.nat(20_000).map((length) => Buffer.alloc(length, 'filler ')) },
)
const nullableBytes = fc.option(bytes)
const timestamp = fc.oneof(
  fc.constant(-1),
  fc.nat(100_000),
  fc.maxSafeNat().map((n) => n % 2 ** 51),
)
const record = fc.record({
  timestamp,
  key: nullableBytes,
  value: nullableBytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: nullableBytes }), {
    maxLength: 3,
  }),
})
const newBatch = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 30 }),
  codec: fc.constantFrom(...codecs),
  baseOffset: fc.maxSafeNat().map((n) => n % 2 ** 52),
  partitionLeaderEpoch: fc.integer({ min: -1, max: 0x7fffffff }),
  producerId: fc.integer({ min: -1 }),
  producerEpoch: fc.integer({ min: -1, max: 0x7fff }),
  baseSequence: fc.integer({ min: -1, max: 0x7fffffff }),
  transactional: fc.boolean(),
})

describe('batches', () => {
  it('what is built is read back, for every codec', () => {
    fc.assert(
      fc.property(newBatch, (made) => {
        const built = buildBatch(made)
        expect(batch.batchProblem(built, 0)).toBeNull()
        expect(batch.batchCrcIsValid(built, 0)).toBe(true)
        const header = batch.readBatchHeader(built, 0)
        expect(header).toMatchObject({
          baseOffset: made.baseOffset,
          partitionLeaderEpoch: made.partitionLeaderEpoch,
          producerId: made.producerId,
          producerEpoch: made.producerEpoch,
          baseSequence: made.baseSequence,
          recordCount: made.records.length,
          lastOffsetDelta: made.records.length - 1,
          maxTimestamp: Math.max(...made.records.map((one) => one.timestamp)),
        })
        const payload = decompress(batch.codecOf(header.attributes), batch.batchPayload(built, 0), LIMIT_BYTES)
        const read = [...readRecords(payload, header)]
        expect(read.map((one) => one.offset)).toEqual(made.records.map((_, i) => made.baseOffset + i))
        expect(read.map(({ timestamp, key, value, headers }) => ({ timestamp, key, value, headers }))).toEqual(
          made.records,
        )
        const walked: NewRecord[] = []
        walkRecords(payload, header, (index, offsetDelta, at, keySizeBytes, valueSizeBytes) => {
          const one = made.records[index]!
          expect([offsetDelta, at]).toEqual([index, one.timestamp])
          expect([keySizeBytes, valueSizeBytes]).toEqual([one.key?.length ?? -1, one.value?.length ?? -1])
          walked.push(one)
        })
        expect(walked.length).toBe(made.records.length)
      }),
      { numRuns: 60 },
    )
  })

  it.each(codecs)('codec %d: any change of any byte after the magic is noticed', (codec) => {
    const records = [1, 2, 3].map((n) => ({
      timestamp: n,
      key: Buffer.from(`k${n}`),
      value: Buffer.from('v'.repeat(n)),
    }))
    const built = buildBatch({ codec, records })
    for (let at = batch.MAGIC_AT; at < built.length; at++) {
      for (let change = 1; change < 256; change += at % 2 ? 1 : 7) {
        const changed = Buffer.from(built)
        changed[at] = changed[at]! ^ change
        const noticed = batch.batchProblem(changed, 0) !== null || !batch.batchCrcIsValid(changed, 0)
        expect(noticed, `byte ${at} changed by ${change}`).toBe(true)
      }
    }
  })

  it.each(codecs)('codec %d: a change of the batch length is noticed', (codec) => {
    const built = buildBatch({ codec, records: [{ timestamp: 1, key: null, value: Buffer.alloc(500, 'v') }] })
    const followed = Buffer.concat([built, built])
    for (let length = 0; length < followed.length + 100; length++) {
      if (length === built.length - 12) continue
      followed.writeInt32BE(length, batch.BATCH_LENGTH_AT)
      const noticed = batch.batchProblem(followed, 0) !== null || !batch.batchCrcIsValid(followed, 0)
      expect(noticed, `length ${length}`).toBe(true)
    }
  })

  it.each(codecs)('codec %d: damage under a valid CRC gives one of our errors or records, nothing else', (codec) => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(254), (records, where, change) => {
        const built = buildBatch({ codec, records })
        const payload = Buffer.from(batch.batchPayload(built, 0))
        payload[where % payload.length]! ^= change + 1
        const damaged = assembleBatch(batch.readBatchHeader(built, 0), payload)
        expect(batch.batchCrcIsValid(damaged, 0)).toBe(true)
        try {
          const header = batch.readBatchHeader(damaged, 0)
          const plain = decompress(codec, batch.batchPayload(damaged, 0), LIMIT_BYTES)
          const read = [...readRecords(plain, header)]
          expect(read.length).toBe(header.recordCount)
        } catch (error) {
          if (!(error instanceof RecordError) && !(error instanceof CompressionError)) throw error
        }
      }),
      { numRuns: 50 },
    )
  })
})
