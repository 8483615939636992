import { BATCH_LENGTH_AT, CONTROL_FLAG, DELETE_HORIZON_FLAG, MAGIC_AT } from '../../../protocol/records/batch.ts'
import { altered, batchOf, messageSet, withAttributes, withLastOffsetDelta, withRecordCount } from '../batches.ts'
import { matching } from '../matcher.ts'
import { FROM_THE_LOG, judge, type Row, verdict } from '../produce-judge.ts'
import { wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

const withLength = (length: number) =>
  altered(batchOf(1), (copy) => copy.writeInt32BE(length, BATCH_LENGTH_AT), 'stale')

const withMagic = (magic: number) => altered(batchOf(1), (copy) => copy.writeInt8(magic, MAGIC_AT))

const zstd = batchOf(2, { codec: 4 })

const TOO_SHORT = matching(/^Record size (0|-1) is less than the minimum record overhead \(\d+\)$/)

const framing: readonly Row[] = [
  { what: 'no bytes', records: Buffer.alloc(0), answer: 87 },
  { what: 'fewer bytes than a batch has before its length', records: Buffer.alloc(11), answer: 87 },
  { what: 'a header cut short', records: batchOf(1).subarray(0, 40), answer: 87 },
  { what: 'a batch cut short', records: batchOf(1).subarray(0, 65), answer: 87 },
  { what: 'magic 0', records: withMagic(0), answer: 87 },
  { what: 'magic 1', records: withMagic(1), answer: 87 },
  {
    what: 'trap 32: magic 3',
    records: withMagic(3),
    answer: (test) =>
      test.differs({
        kafka: { error: 2, message: 'Invalid magic found in record: 3' },
        odradek: 87,
        why: 'a producer would send it again and again after CORRUPT_MESSAGE, and it will never be right',
      }),
  },
  { what: 'a message set of magic 0', records: messageSet(0), version: 3, answer: 87 },
  { what: 'a message set of magic 1', records: messageSet(1), version: 3, answer: 87 },
  { what: 'two batches', records: Buffer.concat([batchOf(1), batchOf(1)]), answer: 87 },
  { what: 'a length of 48', records: withLength(48), answer: 2 },
  { what: 'a length of 0', records: withLength(0), answer: 2, refusal: { message: TOO_SHORT } },
  { what: 'a negative length', records: withLength(-1), answer: 2, refusal: { message: TOO_SHORT } },
  { what: 'a length beyond the bytes that came', records: withLength(10_000), answer: 87 },
  {
    what: 'trap 32: a CRC that does not fit',
    records: altered(batchOf(1), (copy) => copy.fill(0x21, copy.length - 2), 'stale'),
    answer: 2,
  },
  {
    what: 'bytes behind the batch, too few for another',
    records: Buffer.concat([batchOf(1), Buffer.alloc(7)]),
    answer: (test) => test.differs({ kafka: null, odradek: 87, why: 'what is not stored must not be acknowledged' }),
  },
  { what: 'zstd at v3', records: zstd, version: 3, answer: 76 },
  { what: 'zstd at v6', records: zstd, version: 6, answer: 76 },
  { what: 'zstd at v7', records: zstd, version: 7, answer: null },
]

const headers: readonly Row[] = [
  { what: 'base offset 1', records: batchOf(1, { baseOffset: 1 }), answer: 87 },
  { what: 'base offset -1', records: batchOf(1, { baseOffset: -1 }), answer: 87 },
  { what: 'a last offset delta above the count', records: withLastOffsetDelta(batchOf(2), 2), answer: 87 },
  { what: 'a last offset delta below the count', records: withLastOffsetDelta(batchOf(2), 0), answer: 87 },
  { what: 'a negative last offset delta', records: withLastOffsetDelta(batchOf(1), -1), answer: 87 },
  { what: 'a count of 0', records: withLastOffsetDelta(withRecordCount(batchOf(1), 0), -1), answer: 87 },
  { what: 'a count of 0 and delta 0', records: withRecordCount(batchOf(1), 0), answer: 87 },
  { what: 'a negative count', records: withRecordCount(batchOf(1), -1), answer: 87 },
  { what: 'the control bit', records: withAttributes(batchOf(1), CONTROL_FLAG), answer: 87 },
  {
    what: 'a producer id without a sequence',
    records: batchOf(1, { producerId: 5, producerEpoch: 0, baseSequence: -1 }),
    answer: 87,
  },
  ...[5, 6, 7].map((codec) => ({
    what: `codec ${codec}`,
    records: withAttributes(batchOf(1), codec),
    answer: (test: WireTest) =>
      test.differs({ kafka: -1, odradek: 87, why: 'the producer is wrong, not the broker; -1 tells nobody' }),
  })),
  {
    what: 'the delete horizon bit',
    records: withAttributes(batchOf(1), DELETE_HORIZON_FLAG),
    answer: (test) => test.differs({ kafka: null, odradek: 87, why: 'the cleaner and every reader would misread it' }),
  },
  { what: 'an attribute bit nobody uses yet', records: withAttributes(batchOf(1), 0x80), answer: null },
  { what: 'the highest attribute bits', records: withAttributes(batchOf(1), 0x7f00), answer: null },
]

export const produceBatchCases = wireCases('Produce batch rules', (wireCase) => {
  for (const row of framing) wireCase(`${row.what} is ${verdict(row)}`, (test) => judge(test, row))

  for (const row of headers) {
    wireCase(`${row.what} is ${verdict(row)}`, (test) => judge(test, { refusal: FROM_THE_LOG, ...row }))
  }
})
