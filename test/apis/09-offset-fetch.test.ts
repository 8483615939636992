import { beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetCommit } from '../../src/apis/08-offset-commit.ts'
import { offsetFetch } from '../../src/apis/09-offset-fetch.ts'
import { type ApiFixture, apiFixture, TOPIC_ID, UNKNOWN_ID } from '../coordinator/api-fixture.ts'

let fixture: ApiFixture
beforeEach(async () => {
  fixture = await apiFixture()
  const partitions = [
    { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 3, committedMetadata: 'why' },
    { partitionIndex: 1, committedOffset: 6, committedMetadata: '' },
  ]
  const of = (name: string) => ({ name, partitions })
  await fixture.send(offsetCommit, 9, {
    groupId: 'g',
    memberId: '',
    generationIdOrMemberEpoch: -1,
    topics: [of('t'), of('u')],
  })
})

const none = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: ErrorCode.NONE }
const asked = { name: 't', partitionIndexes: [1, 0, 3] }

describe('OffsetFetch of one group', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])('version %i', async (version) => {
    const answer = await fixture.send(offsetFetch, version, { groupId: 'g', topics: [asked], groups: [] })
    expect(answer.errorCode).toBe(ErrorCode.NONE)
    expect(answer.topics).toEqual([
      {
        name: 't',
        partitions: [
          { ...none, partitionIndex: 1, committedOffset: 6 },
          {
            ...none,
            partitionIndex: 0,
            committedOffset: 5,
            metadata: 'why',
            committedLeaderEpoch: version >= 5 ? 3 : -1,
          },
          { ...none, partitionIndex: 3 },
        ],
      },
    ])
  })

  it.each([2, 5, 7])('version %i: null is everything, an empty list nothing', async (version) => {
    const all = await fixture.send(offsetFetch, version, { groupId: 'g', topics: null, groups: [] })
    expect(all.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['t', 2],
      ['u', 2],
    ])
    expect((await fixture.send(offsetFetch, version, { groupId: 'g', topics: [], groups: [] })).topics).toEqual([])
  })

  it.each([1, 7])(
    'version %i, trap 68: unknown groups, topics and partitions are -1 without an error',
    async (version) => {
      const nowhere = { name: 'nowhere', partitionIndexes: [0] }
      for (const groupId of ['g', 'unknown']) {
        const answer = await fixture.send(offsetFetch, version, { groupId, topics: [nowhere], groups: [] })
        expect(answer.topics).toEqual([{ name: 'nowhere', partitions: [{ ...none, partitionIndex: 0 }] }])
      }
    },
  )
})

describe('OffsetFetch of several groups', () => {
  const group = (groupId: string, topics: object[] | null) => ({ groupId, topics: topics as never })

  it.each([8, 9])('version %i', async (version) => {
    const groups = [group('g', [asked]), group('unknown', [asked]), group('g', null), group('g', [])]
    const answer = await fixture.send(offsetFetch, version, { groupId: '', topics: [], groups, requireStable: true })
    const offsets = answer.groups.map(({ groupId, errorCode, topics }) => {
      return [groupId, errorCode, topics.map(({ partitions }) => partitions.map((one) => one.committedOffset))]
    })
    expect(offsets).toEqual([
      ['g', 0, [[6, 5, -1]]],
      ['unknown', 0, [[-1, -1, -1]]],
      [
        'g',
        0,
        [
          [5, 6],
          [5, 6],
        ],
      ],
      ['g', 0, []],
    ])
    expect(answer.groups[0]!.topics[0]!.partitions[1]!.committedLeaderEpoch).toBe(3)
  })

  it('version 9: member id and epoch mean nothing for a classic group', async () => {
    const groups = [{ ...group('g', [asked]), memberId: 'nobody', memberEpoch: 77 }]
    const answer = await fixture.send(offsetFetch, 9, { groupId: '', topics: [], groups })
    expect(answer.groups[0]).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ committedOffset: 6 }, {}, {}] }] })
  })

  it('version 10: topics by id, in order; an id that nothing has is UNKNOWN_TOPIC_ID', async () => {
    const topics = [
      { topicId: UNKNOWN_ID, partitionIndexes: [0, 1] },
      { topicId: TOPIC_ID, partitionIndexes: [0] },
    ]
    const answer = await fixture.send(offsetFetch, 10, { groupId: '', topics: [], groups: [group('g', topics)] })
    expect(answer.groups[0]!.topics).toMatchObject([
      { topicId: UNKNOWN_ID, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID, committedOffset: -1 }, {}] },
      { topicId: TOPIC_ID, partitions: [{ errorCode: ErrorCode.NONE, committedOffset: 5, metadata: 'why' }] },
    ])
  })

  it('version 10: everything, as far as the topics still exist', async () => {
    fixture.topics.delete('u')
    const answer = await fixture.send(offsetFetch, 10, { groupId: '', topics: [], groups: [group('g', null)] })
    expect(answer.groups[0]!.topics.map(({ topicId }) => topicId)).toEqual([TOPIC_ID])
  })
})

describe('OffsetFetch that fails', () => {
  const request = { groupId: 'g', topics: [asked], groups: [] }

  it('version 1 has errors of partitions only', () => {
    const answer = fixture.fail(offsetFetch, 1, request, ErrorCode.NOT_COORDINATOR)
    expect(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([16, 16, 16])
  })

  it.each([2, 7])('version %i has an error of the group', (version) => {
    expect(fixture.fail(offsetFetch, version, request, ErrorCode.NOT_COORDINATOR)).toMatchObject({
      errorCode: ErrorCode.NOT_COORDINATOR,
      topics: [],
    })
  })

  it('from version 8 on every group has its own', () => {
    const groups = [
      { groupId: 'g', topics: null },
      { groupId: 'h', topics: null },
    ]
    const answer = fixture.fail(offsetFetch, 9, { groupId: '', topics: [], groups }, ErrorCode.NOT_COORDINATOR)
    expect(answer.groups).toMatchObject([
      { groupId: 'g', errorCode: 16, topics: [] },
      { groupId: 'h', errorCode: 16, topics: [] },
    ])
  })
})
