import { Produce } from '../../../protocol/messages/00-produce.ts'
import { LOG_APPEND_TIME_FLAG } from '../../../protocol/records/batch.ts'
import { assembleBatch, buildBatch, encodeRecords, type NewRecord } from '../../../protocol/records/batch-builder.ts'
import { compress } from '../../../protocol/records/compression.ts'
import { batchOf, batchOfBytes, CODECS, NOW_MS, withAttributes } from '../batches.ts'
import { produceAnswer, produceRequest, refused } from '../data.ts'
import { like, matching } from '../matcher.ts'
import { deepConfigs, FROM_THE_LOG, HOUR_MS, judge, type Refusal, type Row, verdict } from '../produce-judge.ts'
import { wireCases } from '../wire-case.ts'
import { sleep } from '../wire-client.ts'
import type { WireTest } from '../wire-test.ts'

const record = (fields: Partial<NewRecord> = {}): NewRecord => ({
  timestamp: NOW_MS,
  key: Buffer.from('key'),
  value: Buffer.from('value'),
  ...fields,
})

const plainHeader = {
  baseOffset: 0,
  partitionLeaderEpoch: -1,
  attributes: 0,
  lastOffsetDelta: 0,
  baseTimestamp: NOW_MS,
  maxTimestamp: NOW_MS,
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  recordCount: 1,
}

/** A batch whose record bytes are given, whatever they are. */
function rawBatch(payload: Buffer, header: Partial<typeof plainHeader> = {}): Buffer {
  return assembleBatch({ ...plainHeader, ...header }, payload)
}

const oneRecord = encodeRecords([record()], NOW_MS)

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

const readLoosely = (test: WireTest) =>
  test.differs({
    kafka: null,
    odradek: 87,
    why: 'Kafka checks compressed records less strictly than plain ones; a reader would fail',
  })

/** In the payload: each is sent plain, and compressed by every codec. */
const payloads: readonly (Omit<Row, 'records'> & {
  readonly payload: Buffer
  readonly header?: Partial<typeof plainHeader>
  readonly packedAnswer?: Row['answer']
})[] = [
  { what: 'more records than the header says', payload: Buffer.concat([oneRecord, oneRecord]), answer: 87 },
  {
    what: 'fewer records than the header says',
    payload: oneRecord,
    header: { recordCount: 2, lastOffsetDelta: 1 },
    answer: 87,
  },
  { what: 'bytes behind the records', payload: Buffer.concat([oneRecord, Buffer.alloc(3, 1)]), answer: 87 },
  { what: 'no bytes for its record', payload: Buffer.alloc(0), answer: 87 },
  {
    what: 'a record length beyond the batch',
    payload: hex('7e 00 00 00 01 01 00'),
    answer: 87,
    packedAnswer: readLoosely,
  },
  { what: 'a negative record length', payload: hex('01 00 00 00 01 01 00'), answer: 87, packedAnswer: readLoosely },
  { what: 'a record length of 0', payload: hex('00'), answer: 87 },
  { what: 'a key length beyond the record', payload: hex('0e 00 00 00 50 61 01 00'), answer: 87 },
  { what: 'a value length beyond the record', payload: hex('0e 00 00 00 01 50 61 00'), answer: 87 },
  { what: 'a negative header count', payload: hex('0c 00 00 00 01 01 01'), answer: 87 },
  { what: 'a header without a key', payload: hex('10 00 00 00 01 01 02 01 01'), answer: 87 },
  {
    what: 'a record shorter than its fields',
    payload: hex('0a 00 00 00 01 01 00'),
    answer: 87,
    packedAnswer: readLoosely,
  },
  { what: 'bytes left over in a record', payload: hex('10 00 00 00 01 01 00 00 00'), answer: 87 },
  { what: 'a varint of six bytes', payload: hex('16 00 00 808080808001 01 01 00'), answer: 87 },
]

const nullKeys = () => ({
  error: 87,
  ...rejected(/^Compacted topic cannot accept message without key in topic partition .*-0$/, 1),
})

/** One record of the batch is to blame, and said to be. */
function rejected(
  pattern: RegExp,
  ...batchIndexes: number[]
): Pick<Refusal, 'recordErrors' | 'message' | 'logStartOffset'> {
  return {
    message: matching(/^One or more records have been rejected/),
    logStartOffset: 0,
    recordErrors: batchIndexes.map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: matching(pattern) })),
  }
}

const RANGE =
  /^Timestamp \d+ of message with offset \d is out of range\. The timestamp should be within \[-?\d+, \d+\]$/

const withNullKey = [record(), record({ key: null }), record()]

const fromTheFuture = [record(), record({ timestamp: Date.now() + 2 * HOUR_MS })]

const semantics: readonly (Omit<Row, 'records'> & { readonly newRecords: readonly NewRecord[] })[] = [
  {
    what: 'trap 34: a null key on a compacted topic',
    configs: { 'cleanup.policy': 'compact' },
    newRecords: withNullKey,
    answer: nullKeys,
  },
  {
    what: 'a null key on a topic that compacts and deletes',
    configs: { 'cleanup.policy': 'compact,delete' },
    newRecords: withNullKey,
    answer: nullKeys,
  },
  {
    what: 'an empty key on a compacted topic',
    configs: { 'cleanup.policy': 'compact' },
    newRecords: [record({ key: Buffer.alloc(0) })],
    answer: null,
  },
  { what: 'a null key on a topic that deletes', newRecords: withNullKey, answer: null },
  {
    what: 'a timestamp two hours ahead',
    newRecords: fromTheFuture,
    answer: () => ({ error: 32, ...rejected(RANGE, 1) }),
  },
  {
    what: 'a timestamp two hours ahead where three are allowed',
    configs: { 'message.timestamp.after.max.ms': String(3 * HOUR_MS) },
    newRecords: fromTheFuture,
    answer: null,
  },
  {
    what: 'timestamps older than message.timestamp.before.max.ms',
    configs: { 'message.timestamp.before.max.ms': String(HOUR_MS) },
    newRecords: [record({ timestamp: NOW_MS - 2 * HOUR_MS }), record(), record({ timestamp: 0 })],
    answer: () => ({ error: 32, ...rejected(RANGE, 0, 2) }),
  },
  { what: 'a timestamp of 1970', newRecords: [record({ timestamp: 0 })], answer: null },
  { what: 'a timestamp of -1', newRecords: [record({ timestamp: -1 })], answer: null },
  {
    what: 'a timestamp of -1 where old ones are refused',
    configs: { 'message.timestamp.before.max.ms': '1000' },
    newRecords: [record({ timestamp: -1 })],
    answer: null,
  },
  {
    what: 'a timestamp two hours ahead on a topic of log append time',
    configs: { 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'delete' },
    newRecords: fromTheFuture,
    answer: null,
  },
  {
    what: 'a null key and a bad timestamp in one batch',
    configs: { 'cleanup.policy': 'compact' },
    newRecords: [record({ key: null }), record({ timestamp: Date.now() + 2 * HOUR_MS })],
    answer: () => ({
      error: 32,
      message: matching(/^One or more records have been rejected/),
      logStartOffset: 0,
      recordErrors: [
        { batchIndex: 0, batchIndexErrorMessage: matching(/^Compacted topic/) },
        { batchIndex: 1, batchIndexErrorMessage: matching(RANGE) },
      ],
    }),
  },
]

export const produceValidationCases = wireCases('Produce validation', (wireCase) => {
  wireCase('trap 89: records that are null', async (test) => {
    const topic = await test.topic()
    if (!test.isKafka) {
      await test.expect(Produce, 9, produceRequest(topic, null), produceAnswer(topic, refused(test, 87)))
      return
    }
    // Kafka fails inside and never answers.
    const client = await test.connect()
    let isAnswered = false
    client.call(Produce, 9, produceRequest(topic, null)).then(
      () => {
        isAnswered = true
      },
      () => {},
    )
    await sleep(300)
    test.same(
      isAnswered,
      test.differs({ kafka: false, odradek: true, why: 'a client should not wait in vain' }),
      'answered',
    )
  })

  for (const row of payloads) {
    for (const [name, codec] of CODECS) {
      const packed = codec === 0 ? row.payload : compress(codec, row.payload, null)
      const records = rawBatch(packed, { ...row.header, attributes: codec })
      const title = `${row.what} (${name}) is ${verdict(row)}${codec === 0 ? '' : ', seen when records are validated deep'}`
      wireCase(title, (test) =>
        judge(
          test,
          {
            refusal: FROM_THE_LOG,
            ...row,
            records,
            ...(codec !== 0 && row.packedAnswer && { answer: row.packedAnswer }),
          },
          deepConfigs(test),
        ),
      )
    }
  }

  for (const row of semantics) {
    for (const [name, codec] of CODECS) {
      const type = row.configs?.['message.timestamp.type']
      if (type === 'LogAppendTime') continue
      const title = `${row.what} (${name}) is ${verdict(row)}`
      wireCase(title, (test) =>
        judge(
          test,
          { ...row, records: buildBatch({ codec, records: row.newRecords }) },
          deepConfigs(test, row.configs),
        ),
      )
    }
  }

  for (const [name, codec] of CODECS.slice(1)) {
    wireCase(
      `trap 39: a payload that ${name} cannot decode is refused when records are validated deep`,
      async (test) => {
        const records = rawBatch(Buffer.alloc(40, 0xa5), { attributes: codec })
        const answer = test.differs({
          kafka: -1,
          odradek: 87,
          why: 'the producer is wrong, not the broker, and no retry helps',
        })
        await judge(test, { what: '', records, answer, refusal: FROM_THE_LOG }, deepConfigs(test))
      },
    )

    wireCase(`a null key in a batch of ${name} is found on a compacted topic without being asked`, async (test) => {
      const records = buildBatch({ codec, records: withNullKey })
      await judge(test, { what: '', records, answer: nullKeys }, { 'cleanup.policy': 'compact' })
    })

    wireCase(`records of ${name} are taken as their header describes them unless validated deep`, async (test) => {
      const records = rawBatch(compress(codec, Buffer.concat([oneRecord, Buffer.alloc(3)]), null), {
        attributes: codec,
      })
      const answer = test.differs({
        kafka: 87,
        odradek: null,
        why: 'the default does not decompress: a quarter of the CPU',
      })
      await judge(test, { what: '', records, answer, refusal: FROM_THE_LOG })
    })

    wireCase(`a header of ${name} with a bad timestamp is refused without a look at the records`, async (test) => {
      const records = buildBatch({ codec, records: fromTheFuture })
      const answer = () => ({ error: 32, ...rejected(RANGE, 1) })
      await judge(test, { what: '', records, answer })
    })
  }

  wireCase('offset deltas that do not begin at 0', async (test) => {
    const records = buildBatch({
      lastOffsetDelta: 1,
      records: [record({ offsetDelta: 1 }), record({ offsetDelta: 2 })],
    })
    const answer = test.differs({
      kafka: null,
      odradek: 87,
      why: 'the last record would lie behind the end of the log',
    })
    await judge(test, { what: '', records, answer, refusal: FROM_THE_LOG })
  })

  const limit = batchOfBytes(100).length
  for (const [what, configured, answer] of [
    ['as large as max.message.bytes', limit, null],
    ['one byte above max.message.bytes', limit - 1, 10],
  ] as const) {
    wireCase(`trap 33: a batch ${what}, header included, is ${answer === null ? 'accepted' : 'too large'}`, (test) =>
      judge(test, { what, records: batchOfBytes(100), configs: { 'max.message.bytes': String(configured) }, answer }),
    )
  }

  wireCase('max.message.bytes is compared with the compressed size', async (test) => {
    const records = buildBatch({ codec: 1, records: [record({ value: Buffer.alloc(20_000) })] })
    await judge(test, { what: '', records, configs: { 'max.message.bytes': '1000' }, answer: null })
  })

  wireCase('a batch that fits max.message.bytes but no segment', async (test) => {
    const configs = { 'segment.bytes': '1048576', 'max.message.bytes': '2000000' }
    await judge(test, { what: '', records: batchOfBytes(1_100_000), configs, answer: 18 })
  })

  for (const version of [3, 7, 8, 13]) {
    wireCase(`v${version}: a refused record says which of the batch it was, from v8 on`, async (test) => {
      const records = buildBatch({ records: withNullKey })
      await judge(test, { what: '', version, records, configs: { 'cleanup.policy': 'compact' }, answer: nullKeys })
    })
  }

  wireCase('more than three records to blame: all in the list, three in the message', async (test) => {
    const topic = await test.topic({ configs: { 'cleanup.policy': 'compact' } })
    const records = buildBatch({ records: Array.from({ length: 5 }, () => record({ key: null })) })
    const { responses } = await test.call(Produce, 9, produceRequest(topic, records))
    const { errorMessage, recordErrors } = responses[0]!.partitionResponses[0]!
    test.same(
      recordErrors.map(({ batchIndex }) => batchIndex),
      [0, 1, 2, 3, 4],
      'batch indexes',
    )
    const single = `Compacted topic cannot accept message without key in topic partition ${topic.name}-0`
    const shown = [0, 1, 2].map((index) => `RecordError(batchIndex=${index}, message='${single}')`).join(', ')
    const message = `One or more records have been rejected due to 5 record errors in total, and only showing the first three errors at most: [${shown}]`
    test.same(errorMessage, message, 'message')
  })

  wireCase('log append time claimed by the producer: refused on a topic of log append time', async (test) => {
    const records = withAttributes(batchOf(2), LOG_APPEND_TIME_FLAG)
    const text = /^Invalid timestamp type in message\b.*Producer should not set timestamp type to LogAppendTime\.$/
    const answer = () => ({ error: 32, ...rejected(text, 0, 1) })
    await judge(test, { what: '', records, configs: { 'message.timestamp.type': 'LogAppendTime' }, answer })
  })

  wireCase('log append time claimed by the producer: accepted on a topic of create time', async (test) => {
    await judge(test, { what: '', records: withAttributes(batchOf(2), LOG_APPEND_TIME_FLAG), answer: null })
  })

  wireCase('a refusal does not touch the neighbours', async (test) => {
    const topic = await test.topic({ partitions: 2, configs: { 'cleanup.policy': 'compact' } })
    const partitionData = [
      { index: 0, records: buildBatch({ records: withNullKey }) },
      { index: 1, records: batchOf(1) },
    ]
    const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: topic.name, topicId: topic.id, partitionData }] }
    const { responses } = await test.call(Produce, 9, request)
    const answers = responses[0]!.partitionResponses.toSorted((one, other) => one.index - other.index)
    test.same(answers, [like({ errorCode: 87, baseOffset: -1 }), like({ errorCode: 0, baseOffset: 0 })], 'answers')
  })
})
