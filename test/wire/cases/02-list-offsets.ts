import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { batchOf, CODECS, NOW_MS } from '../batches.ts'
import { append } from '../data.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

interface Question {
  readonly index?: number
  readonly isolationLevel?: number
  readonly currentLeaderEpoch?: number
}

function question({ name }: TestTopic, timestamp: number, options: Question = {}) {
  const { index = 0, isolationLevel = 0, currentLeaderEpoch = -1 } = options
  const partitions = [{ partitionIndex: index, currentLeaderEpoch, timestamp }]
  return { replicaId: -1, isolationLevel, topics: [{ name, partitions }], timeoutMs: 5000 }
}

interface Found {
  readonly offset?: number
  readonly timestamp?: number
  readonly leaderEpoch?: number
  readonly error?: number
  readonly index?: number
}

function found({ name }: TestTopic, { offset = -1, timestamp = -1, leaderEpoch = -1, error = 0, index = 0 }: Found) {
  return {
    topics: [{ name, partitions: [{ partitionIndex: index, errorCode: error, timestamp, offset, leaderEpoch }] }],
  }
}

/** Records of the given timestamps, in one batch each or all in one. */
async function timed(test: WireTest, batches: readonly (readonly number[])[], codec = 0): Promise<TestTopic> {
  const topic = await test.topic()
  for (const timestamps of batches) {
    const records = timestamps.map((timestamp) => ({
      timestamp: NOW_MS + timestamp,
      key: null,
      value: Buffer.from('v'),
    }))
    await append(test, topic, buildBatch({ codec, records }))
  }
  return topic
}

export const listOffsetsCases = wireCases('ListOffsets', (wireCase) => {
  for (const version of versionsOf(ListOffsets)) {
    wireCase(`trap 59: v${version} finds the latest and the earliest offset`, async (test) => {
      const topic = await test.topic()
      await test.expect(ListOffsets, version, question(topic, LATEST), found(topic, { offset: 0, leaderEpoch: 0 }))
      await append(test, topic, batchOf(4))
      await test.expect(ListOffsets, version, question(topic, LATEST), found(topic, { offset: 4, leaderEpoch: 0 }))
      await test.expect(ListOffsets, version, question(topic, EARLIEST), found(topic, { offset: 0, leaderEpoch: 0 }))
    })

    wireCase(`trap 58: v${version} finds the record of a time, not its batch`, async (test) => {
      const topic = await timed(test, [
        [0, 10, 20],
        [30, 40],
      ])
      for (const [asked, offset, timestamp] of [
        [0, 0, 0],
        [1, 1, 10],
        [10, 1, 10],
        [11, 2, 20],
        [21, 3, 30],
        [40, 4, 40],
      ] as const) {
        const answer = found(topic, { offset, timestamp: NOW_MS + timestamp, leaderEpoch: 0 })
        await test.expect(ListOffsets, version, question(topic, NOW_MS + asked), answer)
      }
    })

    wireCase(`trap 58: v${version} finds nothing after the last record, without an error`, async (test) => {
      const topic = await timed(test, [[0]])
      await test.expect(ListOffsets, version, question(topic, NOW_MS + 1), found(topic, {}))
    })

    wireCase(`v${version} of an unknown topic and an unknown partition`, async (test) => {
      const nowhere = { name: test.unique('unknown'), id: '' }
      await test.expect(ListOffsets, version, question(nowhere, LATEST), found(nowhere, { error: 3 }))
      const topic = await test.topic()
      const beyond = question(topic, LATEST, { index: 7 })
      await test.expect(ListOffsets, version, beyond, found(topic, { error: 3, index: 7 }))
    })

    const specials = [
      [MAX_TIMESTAMP, 7, { offset: 2, timestamp: NOW_MS + 2, leaderEpoch: 0 }],
      [EARLIEST_LOCAL, 8, { offset: 0, leaderEpoch: 0 }],
      [LATEST_TIERED, 9, {}],
      [EARLIEST_PENDING_UPLOAD, 11, {}],
    ] as const
    wireCase(`v${version} knows the special times of its version and refuses the others`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(3))
      for (const [timestamp, since, answer] of specials) {
        const expected = version >= since ? found(topic, answer) : found(topic, { error: 35 })
        await test.expect(ListOffsets, version, question(topic, timestamp), expected)
      }
      for (const timestamp of [-7, -100]) {
        await test.expect(ListOffsets, version, question(topic, timestamp), found(topic, { error: 35 }))
      }
    })
  }

  for (const version of [2, 5, 11]) {
    wireCase(`trap 53: v${version} with read_committed gives the last stable offset`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(2))
      const request = question(topic, LATEST, { isolationLevel: 1 })
      await test.expect(ListOffsets, version, request, found(topic, { offset: 2, leaderEpoch: 0 }))
    })
  }

  for (const [name, codec] of CODECS) {
    wireCase(`a time within a batch of ${name}`, async (test) => {
      const topic = await timed(test, [[0, 10, 20, 30]], codec)
      const answer = found(topic, { offset: 2, timestamp: NOW_MS + 20, leaderEpoch: 0 })
      await test.expect(ListOffsets, 7, question(topic, NOW_MS + 15), answer)
    })

    wireCase(`the largest time within a batch of ${name}`, async (test) => {
      const topic = await timed(test, [[5], [0, 30, 20, 30]], codec)
      const answer = found(topic, { offset: 2, timestamp: NOW_MS + 30, leaderEpoch: 0 })
      await test.expect(ListOffsets, 7, question(topic, MAX_TIMESTAMP), answer)
    })
  }

  wireCase('times out of order: the first record by offset that is late enough', async (test) => {
    const topic = await timed(test, [[50, 10], [20, 60], [30]])
    for (const [asked, offset, timestamp] of [
      [0, 0, 50],
      [15, 0, 50],
      [51, 3, 60],
    ] as const) {
      const answer = found(topic, { offset, timestamp: NOW_MS + timestamp, leaderEpoch: 0 })
      await test.expect(ListOffsets, 7, question(topic, NOW_MS + asked), answer)
    }
  })

  wireCase('the largest time of several batches is the first record that has it', async (test) => {
    const topic = await timed(test, [
      [10, 90],
      [90, 20],
    ])
    const answer = found(topic, { offset: 1, timestamp: NOW_MS + 90, leaderEpoch: 0 })
    await test.expect(ListOffsets, 7, question(topic, MAX_TIMESTAMP), answer)
  })

  wireCase('the largest time of an empty log is none', async (test) => {
    const topic = await test.topic()
    await test.expect(ListOffsets, 11, question(topic, MAX_TIMESTAMP), found(topic, {}))
  })

  wireCase('any time in an empty log is none', async (test) => {
    const topic = await test.topic()
    await test.expect(ListOffsets, 11, question(topic, 0), found(topic, {}))
  })

  wireCase('log append time: the time of the batch counts, and its first record is found', async (test) => {
    const topic = await test.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } })
    await append(test, topic, batchOf(3))
    const { topics } = await test.call(ListOffsets, 7, question(topic, NOW_MS + 60_000))
    test.same(topics[0]!.partitions[0]!.offset, 0, 'offset')
    const { topics: largest } = await test.call(ListOffsets, 7, question(topic, MAX_TIMESTAMP))
    const expected = [0, topics[0]!.partitions[0]!.timestamp]
    test.same([largest[0]!.partitions[0]!.offset, largest[0]!.partitions[0]!.timestamp], expected, 'largest')
  })

  wireCase('a time before records that were deleted finds the first that is left', async (test) => {
    const topic = await timed(test, [[0, 10, 20, 30]])
    const partitions = [{ partitionIndex: 0, offset: 2 }]
    await test.call(DeleteRecords, 2, { topics: [{ name: topic.name, partitions }], timeoutMs: 1000 })
    await test.expect(ListOffsets, 7, question(topic, EARLIEST), found(topic, { offset: 2, leaderEpoch: 0 }))
    const answer = found(topic, { offset: 2, timestamp: NOW_MS + 20, leaderEpoch: 0 })
    await test.expect(ListOffsets, 7, question(topic, NOW_MS), answer)
  })

  for (const version of [4, 6, 11]) {
    wireCase(`v${version}: leader epochs`, async (test) => {
      const topic = await test.topic()
      const ours = question(topic, LATEST, { currentLeaderEpoch: 0 })
      await test.expect(ListOffsets, version, ours, found(topic, { offset: 0, leaderEpoch: 0 }))
      const newer = question(topic, LATEST, { currentLeaderEpoch: 3 })
      await test.expect(ListOffsets, version, newer, found(topic, { error: 75 }))
    })
  }

  for (const version of [1, 6, 11]) {
    wireCase(`trap 88: v${version} with a partition twice: refused, and answered once`, async (test) => {
      const topic = await test.topic()
      const once = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: LATEST }
      const request = { ...question(topic, LATEST), topics: [{ name: topic.name, partitions: [once, once] }] }
      await test.expect(ListOffsets, version, request, found(topic, { error: 42 }))
    })
  }

  wireCase('several topics and partitions are all answered', async (test) => {
    const [one, two] = [await test.topic({ partitions: 3 }), await test.topic()]
    await append(test, one, batchOf(1), 2)
    const indexes = [2, 0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: LATEST }))
    const topics = [
      { name: one.name, partitions: indexes },
      { name: two.name, partitions: [{ partitionIndex: 0, timestamp: EARLIEST }] },
    ]
    const answer = await test.call(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics })
    const offsets = answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) => `${name === one.name ? 1 : 2}-${partitionIndex}:${offset}`),
    )
    test.same(offsets.toSorted(), ['1-0:0', '1-1:0', '1-2:1', '2-0:0'], 'offsets')
  })

  wireCase('no topics, no answer', async (test) => {
    for (const version of [1, 6, 11]) {
      await test.expect(ListOffsets, version, { replicaId: -1, isolationLevel: 0, topics: [] }, { topics: [] })
    }
  })
})
