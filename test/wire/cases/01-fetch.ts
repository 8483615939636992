import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { batchOf, batchOfBytes, CODECS, stored } from '../batches.ts'
import { append, fetchAnswer, fetched, fetchParts, fetchRequest, filled, NO_RECORDS, notFetched } from '../data.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'

async function sizesOf(test: WireTest, request: ReturnType<typeof fetchParts>): Promise<number[]> {
  const { responses } = await test.call(Fetch, 12, request)
  return responses.flatMap(({ partitions }) => partitions.map(({ records }) => records!.length))
}

export const fetchCases = wireCases('Fetch', (wireCase) => {
  for (const version of versionsOf(Fetch)) {
    wireCase(`v${version} returns what is in the log from the offset on`, async (test) => {
      const { topic, batches } = await filled(test)
      await test.expect(Fetch, version, fetchRequest(topic, 0), fetchAnswer(topic, fetched(6, Buffer.concat(batches))))
      await test.expect(Fetch, version, fetchRequest(topic, 4), fetchAnswer(topic, fetched(6, batches[2])))
    })

    wireCase(`trap 43: v${version} returns records of no length, not null, at the end of the log`, async (test) => {
      const topic = await test.topic()
      await test.expect(Fetch, version, fetchRequest(topic, 0), fetchAnswer(topic, fetched(0, NO_RECORDS)))
    })

    wireCase(`trap 52, trap 90: v${version} lists aborted transactions for read_committed only`, async (test) => {
      const { topic, batches } = await filled(test)
      const request = fetchRequest(topic, 3, { isolationLevel: 1 })
      const answer = fetched(6, Buffer.concat(batches.slice(1)), { readCommitted: true })
      await test.expect(Fetch, version, request, fetchAnswer(topic, answer))
    })

    wireCase(`v${version} of an unknown topic`, async (test) => {
      const topic = { name: test.unique('unknown'), id: UNKNOWN_ID }
      await test.expect(Fetch, version, fetchRequest(topic, 0), fetchAnswer(topic, notFetched(version < 13 ? 3 : 100)))
    })

    wireCase(`v${version} of a partition that the topic does not have`, async (test) => {
      const topic = await test.topic()
      const request = fetchRequest(topic, 0, { index: 5 })
      await test.expect(Fetch, version, request, fetchAnswer(topic, notFetched(3, 5)))
    })

    wireCase(`v${version} beyond the end of the log is out of range`, async (test) => {
      const { topic } = await filled(test)
      const request = fetchRequest(topic, 7, { maxWaitMs: 20_000 })
      await test.expect(Fetch, version, request, fetchAnswer(topic, notFetched(1)))
    })
  }

  for (const offset of [-1, -2, -100]) {
    wireCase(`the offset ${offset} is out of range`, async (test) => {
      const { topic } = await filled(test)
      await test.expect(Fetch, 12, fetchRequest(topic, offset), fetchAnswer(topic, notFetched(1)))
    })
  }

  wireCase('v13 with the zero topic id', async (test) => {
    const topic = { name: '', id: ZERO_UUID }
    await test.expect(Fetch, 13, fetchRequest(topic, 0), fetchAnswer(topic, notFetched(100)))
  })

  wireCase('v13 with the id of a topic that was deleted and made again', async (test) => {
    const { topic } = await filled(test)
    await test.call(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(topic.name)
    const made = await test.topic({ name: topic.name })
    await test.expect(Fetch, 13, fetchRequest(topic, 0), fetchAnswer(topic, notFetched(100)))
    await test.expect(Fetch, 13, fetchRequest(made, 0), fetchAnswer(made, fetched(0, NO_RECORDS)))
  })

  wireCase('the offset of the log end is empty, without an error', async (test) => {
    const { topic } = await filled(test)
    await test.expect(Fetch, 12, fetchRequest(topic, 6), fetchAnswer(topic, fetched(6, NO_RECORDS)))
  })

  for (const [name, codec] of CODECS) {
    wireCase(`trap 41: an offset in the middle of a batch of ${name} returns the whole batch`, async (test) => {
      const topic = await test.topic()
      const batch = batchOf(10, { codec })
      await append(test, topic, batchOf(2))
      await append(test, topic, batch)
      for (const offset of [2, 3, 7, 11]) {
        await test.expect(Fetch, 12, fetchRequest(topic, offset), fetchAnswer(topic, fetched(12, stored(batch, 2))))
      }
    })
  }

  for (const limit of [{ partitionMaxBytes: 1 }, { maxBytes: 1 }, { partitionMaxBytes: 0 }, { maxBytes: 0 }]) {
    const [[what, bytes]] = Object.entries(limit) as [[string, number]]
    wireCase(
      `trap 42: a first batch larger than a ${what} of ${bytes} is returned whole, and nothing after it`,
      async (test) => {
        const { topic, batches } = await filled(test)
        await test.expect(Fetch, 12, fetchRequest(topic, 0, limit), fetchAnswer(topic, fetched(6, batches[0])))
        await test.expect(Fetch, 4, fetchRequest(topic, 3, limit), fetchAnswer(topic, fetched(6, batches[1])))
      },
    )
  }

  wireCase('trap 42: a negative partitionMaxBytes counts as none', async (test) => {
    const { topic, batches } = await filled(test)
    const answer = test.differs({
      kafka: { ...(notFetched(-1) as object) },
      odradek: fetched(6, batches[0]),
      why: 'Kafka fails inside; the rule of the first batch needs no exception',
    })
    await test.expect(Fetch, 12, fetchRequest(topic, 0, { partitionMaxBytes: -1 }), fetchAnswer(topic, answer))
  })

  wireCase('a limit in the middle of the second batch: no batch is cut', async (test) => {
    const { topic, batches } = await filled(test)
    const { responses } = await test.call(
      Fetch,
      12,
      fetchRequest(topic, 0, { partitionMaxBytes: batches[0].length + 20 }),
    )
    const expected = test.differs({
      kafka: Buffer.concat([batches[0], batches[1].subarray(0, 20)]),
      odradek: batches[0],
      why: 'Kafka cuts at the byte, which clients must bear; whole batches are kinder to them',
    })
    test.same(responses[0]!.partitions[0]!.records, expected, 'records')
  })

  wireCase('the limit for all partitions is shared in the order of the request', async (test) => {
    const [one, two] = [await filled(test), await filled(test)]
    const whole = Buffer.concat(one.batches).length
    const both = [{ topic: one.topic }, { topic: two.topic }]
    test.same(await sizesOf(test, fetchParts(both, { maxBytes: 1 })), [one.batches[0].length, 0], 'a limit of 1')
    test.same(
      await sizesOf(test, fetchParts(both.toReversed(), { maxBytes: 1 })),
      [two.batches[0].length, 0],
      'the other way round',
    )
    test.same(await sizesOf(test, fetchParts(both, { maxBytes: whole })), [whole, 0], 'a limit of the first')
    test.same(await sizesOf(test, fetchParts(both, { maxBytes: whole * 2 })), [whole, whole], 'a limit of both')
  })

  wireCase('a later partition whose first batch does not fit is left empty', async (test) => {
    const [small, large] = [await test.topic(), await test.topic()]
    await append(test, small, batchOf(1))
    await append(test, large, batchOfBytes(5000))
    const sizes = await sizesOf(test, fetchParts([{ topic: small }, { topic: large, maxBytes: 1000 }]))
    test.same(sizes, [batchOf(1).length, 0], 'sizes')
  })

  wireCase('an empty first partition leaves its right to one whole batch to the next', async (test) => {
    const [empty, full] = [await test.topic(), await filled(test)]
    const sizes = await sizesOf(test, fetchParts([{ topic: empty }, { topic: full.topic }], { maxBytes: 1 }))
    test.same(sizes, [0, full.batches[0].length], 'sizes')
  })

  wireCase(
    'trap 44: every partition of a sessionless fetch is in the answer, in the order of the request',
    async (test) => {
      const topic = await test.topic({ partitions: 4 })
      const partitions = [3, 1, 0, 2].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
      const request = { ...fetchRequest(topic, 0), topics: [{ topic: topic.name, topicId: topic.id, partitions }] }
      const answers = [3, 1, 0, 2].map((index) => fetched(0, NO_RECORDS, { index }))
      for (const version of [4, 7, 13]) await test.expect(Fetch, version, request, fetchAnswer(topic, ...answers))
    },
  )

  wireCase('trap 48: DeleteRecords moves the start: below it is out of range, at it all is well', async (test) => {
    const { topic, batches } = await filled(test)
    const partitions = [{ partitionIndex: 0, offset: 3 }]
    await test.call(DeleteRecords, 2, { topics: [{ name: topic.name, partitions }], timeoutMs: 1000 })
    await test.expect(Fetch, 12, fetchRequest(topic, 2), fetchAnswer(topic, notFetched(1)))
    const answer = fetched(6, Buffer.concat(batches.slice(1)), { logStartOffset: 3 })
    await test.expect(Fetch, 12, fetchRequest(topic, 3), fetchAnswer(topic, answer))
  })

  wireCase('fetching without partitions is answered at once', async (test) => {
    const request = { maxWaitMs: 20_000, minBytes: 1, maxBytes: 1000, topics: [], forgottenTopicsData: [] }
    for (const version of [4, 7, 13, 18]) {
      await test.expect(Fetch, version, request, { errorCode: 0, sessionId: 0, responses: [] })
    }
  })
})

export const tunedFetchCases = wireCases('Fetch with a small fetch.max.bytes', (wireCase) => {
  wireCase(
    'no answer is larger than fetch.max.bytes allows, but for the first batch',
    async (test) => {
      const [one, two] = [await test.topic(), await test.topic()]
      await append(test, one, batchOfBytes(30_000))
      await append(test, two, batchOfBytes(1000))
      const sizes = await sizesOf(test, fetchParts([{ topic: one }, { topic: two }]))
      test.same(sizes, [batchOfBytes(30_000).length, 0], 'sizes')
    },
    'tuned',
  )

  wireCase(
    'minBytes above fetch.max.bytes is not waited for in vain',
    async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOfBytes(30_000))
      const { responses } = await test.call(
        Fetch,
        12,
        fetchRequest(topic, 0, { maxWaitMs: 25_000, minBytes: 25_000_000 }),
      )
      test.same(responses[0]!.partitions[0]!.records!.length, batchOfBytes(30_000).length, 'size')
    },
    'tuned',
  )
})
