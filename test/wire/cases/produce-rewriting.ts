import { Produce } from '../../../protocol/messages/00-produce.ts'
import { LOG_APPEND_TIME_FLAG, patchTimestamps } from '../../../protocol/records/batch.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { altered, batchesIn, batchOf, CODECS, NOW_MS, stored, withAttributes, withMaxTimestamp } from '../batches.ts'
import { accepted, append, bytesOf, produceAnswer, produceRequest, refused } from '../data.ts'
import { atLeast, satisfying } from '../matcher.ts'
import { deepConfigs } from '../produce-judge.ts'
import { wireCases } from '../wire-case.ts'

const APPEND_TIME = { 'message.timestamp.type': 'LogAppendTime' }
/** What compression.type calls a codec. */
const typeOf = (name: string) => (name === 'none' ? 'uncompressed' : name)

const contents = (bytes: Buffer) =>
  batchesIn(bytes).flatMap(({ records }) =>
    records.map(({ offset, timestamp, key, value, headers }) => ({
      offset,
      timestamp,
      key: key?.toString(),
      value: value?.toString(),
      headers: headers.map((header) => [header.key, header.value?.toString()]),
    })),
  )

const withHeaders = (codec: number) =>
  buildBatch({
    codec,
    records: [
      {
        timestamp: NOW_MS + 5,
        key: Buffer.from('a'),
        value: Buffer.from('v'.repeat(300)),
        headers: [
          { key: 'zeta', value: Buffer.from('1') },
          { key: 'alpha', value: null },
          { key: 'zeta', value: Buffer.alloc(0) },
        ],
      },
      { timestamp: NOW_MS, key: null, value: null },
      { timestamp: NOW_MS + 9, key: Buffer.alloc(0), value: Buffer.alloc(0) },
    ],
  })

export const produceRewritingCases = wireCases('Produce rewriting', (wireCase) => {
  for (const [name, codec] of CODECS) {
    wireCase(`trap 31: a batch of ${name} is kept byte for byte but for offset and leader epoch`, async (test) => {
      const topic = await test.topic()
      const batch = withHeaders(codec)
      await append(test, topic, batchOf(2))
      await append(test, topic, batch)
      test.same(await bytesOf(test, topic, 2), stored(batch, 2), 'the log')
    })

    wireCase(`log append time: a batch of ${name} gets the flag and the time, its records stay`, async (test) => {
      const topic = await test.topic({ configs: APPEND_TIME })
      const batch = withHeaders(codec)
      const beforeMs = Date.now() - 5000
      const answer = produceAnswer(topic, accepted(0, { logAppendTimeMs: atLeast(beforeMs) }))
      const { responses } = await test.expect(Produce, 9, produceRequest(topic, batch), answer)
      const { logAppendTimeMs } = responses[0]!.partitionResponses[0]!
      const expected = altered(batch, (copy) => {
        patchTimestamps(copy, 0, { maxTimestamp: logAppendTimeMs, logAppendTime: true })
      })
      test.same(await bytesOf(test, topic), stored(expected, 0), 'the log')
    })

    wireCase(`a max timestamp of ${name} that is too high is corrected`, async (test) => {
      const topic = await test.topic({ configs: deepConfigs(test) })
      await append(test, topic, withMaxTimestamp(batchOf(3, { codec }), NOW_MS + 60_000))
      test.same(await bytesOf(test, topic), stored(batchOf(3, { codec }), 0), 'the log')
    })

    wireCase(`a max timestamp of ${name} that is too low is corrected`, async (test) => {
      const topic = await test.topic({ configs: deepConfigs(test) })
      await append(test, topic, withMaxTimestamp(batchOf(3, { codec }), NOW_MS))
      test.same(await bytesOf(test, topic), stored(batchOf(3, { codec }), 0), 'the log')
    })

    wireCase(`the log append time bit of a producer is cleared on a topic of create time (${name})`, async (test) => {
      const topic = await test.topic({ configs: deepConfigs(test) })
      const batch = batchOf(3, { codec })
      const answer = produceAnswer(topic, accepted(0))
      await test.expect(Produce, 9, produceRequest(topic, withAttributes(batch, LOG_APPEND_TIME_FLAG)), answer)
      test.same(await bytesOf(test, topic), stored(batch, 0), 'the log')
    })

    for (const [otherName, otherCodec] of CODECS) {
      wireCase(`compression.type ${typeOf(otherName)}: a batch of ${name} is stored as ${otherName}`, async (test) => {
        const topic = await test.topic({ configs: { 'compression.type': typeOf(otherName) } })
        const batch = withHeaders(codec)
        await append(test, topic, batch)
        const bytes = await bytesOf(test, topic)
        if (codec === otherCodec) test.same(bytes, stored(batch, 0), 'the log')
        const [read] = batchesIn(bytes)
        const { records: _, crc, sizeBytes, ...header } = read!
        test.same(
          header,
          {
            baseOffset: 0,
            partitionLeaderEpoch: 0,
            magic: 2,
            attributes: otherCodec,
            codec: otherCodec,
            lastOffsetDelta: 2,
            baseTimestamp: NOW_MS + 5,
            maxTimestamp: NOW_MS + 9,
            producerId: -1,
            producerEpoch: -1,
            baseSequence: -1,
            recordCount: 3,
          },
          'header',
        )
        test.same(contents(bytes), contents(batch), 'records')
      })
    }
  }

  wireCase('log append time answered is the time stored', async (test) => {
    const topic = await test.topic({ configs: APPEND_TIME })
    const { responses } = await test.call(Produce, 13, produceRequest(topic, batchOf(2)))
    const [read] = batchesIn(await bytesOf(test, topic))
    test.same(read!.maxTimestamp, responses[0]!.partitionResponses[0]!.logAppendTimeMs, 'max timestamp')
    test.same(read!.baseTimestamp, NOW_MS, 'base timestamp')
  })

  wireCase('trap 38: create time is answered with a log append time of -1', async (test) => {
    const topic = await test.topic()
    for (const version of [3, 9, 13]) {
      const { responses } = await test.call(Produce, version, produceRequest(topic, batchOf(1)))
      test.same(responses[0]!.partitionResponses[0]!.logAppendTimeMs, -1, 'log append time')
    }
  })

  wireCase('timestamps of -1 are kept', async (test) => {
    const topic = await test.topic()
    const batch = buildBatch({ records: [{ timestamp: -1, key: null, value: Buffer.from('x') }] })
    await append(test, topic, batch)
    test.same(await bytesOf(test, topic), stored(batch, 0), 'the log')
  })

  wireCase('attribute bits nobody uses yet are kept', async (test) => {
    const topic = await test.topic()
    const batch = withAttributes(batchOf(1), 0x7f80)
    await append(test, topic, batch)
    test.same(await bytesOf(test, topic), stored(batch, 0), 'the log')
  })

  wireCase('the partition leader epoch a producer sends is replaced', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1, { partitionLeaderEpoch: 17 }))
    test.same(await bytesOf(test, topic), stored(batchOf(1), 0), 'the log')
  })

  wireCase('producer id, epoch and sequence survive another codec', async (test) => {
    const topic = await test.topic({ configs: { 'compression.type': 'gzip' } })
    await append(test, topic, batchOf(2, { producerId: 987_654_321, producerEpoch: 3, baseSequence: 0 }))
    const [{ producerId, producerEpoch, baseSequence, codec }] = batchesIn(await bytesOf(test, topic)) as [
      ReturnType<typeof batchesIn>[number],
    ]
    test.same([producerId, producerEpoch, baseSequence, codec], [987_654_321, 3, 0, 1], 'header')
  })

  wireCase('a batch that grows above max.message.bytes when it is stored uncompressed is too large', async (test) => {
    const topic = await test.topic({ configs: { 'compression.type': 'uncompressed', 'max.message.bytes': '1000' } })
    const record = { timestamp: NOW_MS, key: null, value: Buffer.alloc(5000, 'x') }
    const request = produceRequest(topic, buildBatch({ codec: 1, records: [record] }))
    await test.expect(Produce, 9, request, produceAnswer(topic, refused(test, 10)))
  })

  for (const [name, codec] of CODECS.slice(1)) {
    wireCase(`without deep validation the header of ${name} is believed`, async (test) => {
      const topic = await test.topic()
      const lying = withMaxTimestamp(batchOf(3, { codec }), NOW_MS + 60_000)
      await append(test, topic, lying)
      const expected = test.differs({
        kafka: stored(batchOf(3, { codec }), 0),
        odradek: stored(lying, 0),
        why: 'the default does not decompress what it need not',
      })
      test.same(await bytesOf(test, topic), expected, 'the log')
    })
  }

  wireCase('trap 40: raw snappy, without a frame, is read where records have to be looked at', async (test) => {
    const topic = await test.topic({ configs: { 'cleanup.policy': 'compact', 'compression.type': 'uncompressed' } })
    const plain = batchOf(3)
    const payload = plain.subarray(61)
    // A snappy block of one literal: the length as a varint, then the tag and the bytes.
    const block = Buffer.concat([Buffer.from([payload.length, (payload.length - 1) << 2]), payload])
    const header = plain.subarray(0, 61)
    const framed = altered(Buffer.concat([header, block]), (copy) => {
      copy.writeInt32BE(copy.length - 12, 8)
      copy.writeInt16BE(2, 21)
    })
    const answer = await test.call(Produce, 9, produceRequest(topic, framed))
    const { errorCode } = answer.responses[0]!.partitionResponses[0]!
    test.same(errorCode, 0, 'error')
    test.same(await bytesOf(test, topic), stored(plain, 0), 'the log')
  })

  wireCase('several gzip members in one payload are all read', async (test) => {
    const topic = await test.topic({ configs: { 'compression.type': 'uncompressed' } })
    const { gzipSync } = await import('node:zlib')
    const plain = batchOf(4)
    const payload = plain.subarray(61)
    const members = Buffer.concat([gzipSync(payload.subarray(0, 20)), gzipSync(payload.subarray(20))])
    const batch = altered(Buffer.concat([plain.subarray(0, 61), members]), (copy) => {
      copy.writeInt32BE(copy.length - 12, 8)
      copy.writeInt16BE(1, 21)
    })
    await append(test, topic, batch)
    test.same(await bytesOf(test, topic), stored(plain, 0), 'the log')
  })

  wireCase('log append time does not go backwards from one append to the next', async (test) => {
    const topic = await test.topic({ configs: APPEND_TIME })
    let lastMs = 0
    for (let round = 0; round < 5; round++) {
      const { responses } = await test.call(Produce, 9, produceRequest(topic, batchOf(1)))
      const { logAppendTimeMs } = responses[0]!.partitionResponses[0]!
      test.same(
        logAppendTimeMs,
        satisfying(`at least ${lastMs}`, (ms: number) => ms >= lastMs),
        'log append time',
      )
      lastMs = logAppendTimeMs
    }
  })
})
