import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetCommit } from '../../src/apis/08-offset-commit.ts'
import { offsetFetch } from '../../src/apis/09-offset-fetch.ts'
import { type ApiFixture, apiFixture, TOPIC_ID, UNKNOWN_ID, versionsOf } from '../coordinator/api-fixture.ts'

const partition = (partitionIndex: number, more: object = {}) => {
  return { partitionIndex, committedOffset: 5, committedMetadata: 'why', ...more }
}
const request = (topics: { name?: string; topicId?: string; partitions: ReturnType<typeof partition>[] }[]) => {
  return { groupId: 'g', memberId: '', generationIdOrMemberEpoch: -1, topics }
}

async function committed(fixture: ApiFixture, partitionIndex = 0) {
  const topics = [{ name: 't', partitionIndexes: [partitionIndex] }]
  const answer = await fixture.send(offsetFetch, 7, { groupId: 'g', topics, groups: [] })
  return answer.topics[0]!.partitions[0]!
}

describe('OffsetCommit', () => {
  it.each(versionsOf(offsetCommit))('version %i: offset, epoch and metadata are kept', async (version) => {
    const fixture = await apiFixture()
    const byId = version >= 10
    const epoch = version >= 6 ? { committedLeaderEpoch: 3 } : {}
    const topic = byId ? { topicId: TOPIC_ID } : { name: 't' }
    const answer = await fixture.send(offsetCommit, version, request([{ ...topic, partitions: [partition(1, epoch)] }]))
    expect(answer.topics).toEqual([
      {
        name: byId ? '' : 't',
        topicId: byId ? TOPIC_ID : 'AAAAAAAAAAAAAAAAAAAAAA',
        partitions: [{ partitionIndex: 1, errorCode: ErrorCode.NONE }],
      },
    ])
    expect(await committed(fixture, 1)).toMatchObject({
      committedOffset: 5,
      metadata: 'why',
      committedLeaderEpoch: version >= 6 ? 3 : -1,
    })
  })

  it('topics and partitions that do not exist are refused, the others are not', async () => {
    const fixture = await apiFixture()
    const topics = [
      { name: 'nowhere', partitions: [partition(0)] },
      { name: 't', partitions: [partition(4), partition(-1), partition(0)] },
    ]
    const answer = await fixture.send(offsetCommit, 9, request(topics))
    const errors = answer.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    expect(errors).toEqual([[3], [3, 3, 0]])
    expect((await committed(fixture)).committedOffset).toBe(5)
  })

  it('version 10: an id that nothing has is UNKNOWN_TOPIC_ID and is echoed', async () => {
    const fixture = await apiFixture()
    const topics = [
      { topicId: UNKNOWN_ID, partitions: [partition(0)] },
      { topicId: TOPIC_ID, partitions: [partition(9)] },
    ]
    const answer = await fixture.send(offsetCommit, 10, request(topics))
    expect(answer.topics.map(({ topicId, partitions }) => [topicId, partitions[0]!.errorCode])).toEqual([
      [UNKNOWN_ID, ErrorCode.UNKNOWN_TOPIC_ID],
      [TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ])
  })

  it.each([
    [2, ErrorCode.ILLEGAL_GENERATION],
    [8, ErrorCode.ILLEGAL_GENERATION],
    [9, ErrorCode.GROUP_ID_NOT_FOUND],
    [10, ErrorCode.GROUP_ID_NOT_FOUND],
  ])('version %i: a generation of a group that does not exist is %i', async (version, error) => {
    const fixture = await apiFixture()
    const topics = [{ ...(version < 10 ? { name: 't' } : { topicId: TOPIC_ID }), partitions: [partition(0)] }]
    const call = { ...request(topics), generationIdOrMemberEpoch: 1, memberId: 'm' }
    const answer = await fixture.send(offsetCommit, version, call)
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(error)
  })

  it.each([
    [4, -1],
    [5, 5],
  ])('version %i: retention_time 0 leaves offset %i behind', async (version, offset) => {
    const fixture = await apiFixture()
    const call = { ...request([{ name: 't', partitions: [partition(0)] }]), retentionTimeMs: 0 }
    await fixture.send(offsetCommit, version, call)
    fixture.clock.advance(600_000)
    expect((await committed(fixture)).committedOffset).toBe(offset)
  })

  it('null metadata come back empty', async () => {
    const fixture = await apiFixture()
    const topics = [{ name: 't', partitions: [partition(0, { committedMetadata: null })] }]
    await fixture.send(offsetCommit, 2, request(topics))
    expect((await committed(fixture)).metadata).toBe('')
  })

  it('metadata above offset.metadata.max.bytes', async () => {
    const fixture = await apiFixture()
    const topics = [{ name: 't', partitions: [partition(0, { committedMetadata: 'x'.repeat(4097) }), partition(1)] }]
    const answer = await fixture.send(offsetCommit, 9, request(topics))
    expect(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([12, 0])
  })

  it('the same partition twice is answered twice, the last one wins', async () => {
    const fixture = await apiFixture()
    const topics = [{ name: 't', partitions: [partition(0), partition(0, { committedOffset: 9 })] }]
    expect((await fixture.send(offsetCommit, 9, request(topics))).topics[0]!.partitions).toHaveLength(2)
    expect((await committed(fixture)).committedOffset).toBe(9)
  })

  it('a request of nothing is answered with nothing', async () => {
    const fixture = await apiFixture()
    expect((await fixture.send(offsetCommit, 9, request([]))).topics).toEqual([])
  })

  it('a failure is told for every partition', async () => {
    const fixture = await apiFixture()
    const call = request([{ name: 't', partitions: [partition(0), partition(1)] }])
    const answer = fixture.fail(offsetCommit, 9, call, ErrorCode.UNKNOWN_SERVER_ERROR)
    expect(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([-1, -1])
  })
})
