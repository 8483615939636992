import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetCommit } from '../../src/apis/08-offset-commit.ts'
import { offsetFetch } from '../../src/apis/09-offset-fetch.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { offsetDelete } from '../../src/apis/47-offset-delete.ts'
import { type ApiFixture, apiFixture } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

async function committed(): Promise<ApiFixture> {
  const fixture = await apiFixture()
  const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, committedOffset: 5, committedMetadata: '' }))
  const topics = ['t', 'u'].map((name) => ({ name, partitions }))
  await fixture.send(offsetCommit, 9, { groupId: 'g', memberId: '', topics })
  return fixture
}

const join = (fixture: ApiFixture, protocolType: string) => {
  return fixture.send(joinGroup, 3, {
    ...{ groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType },
    protocols: [{ name: 'range', metadata: subscription('t') }],
  })
}

const of = (name: string, ...partitions: number[]) => {
  return { name, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }
}

describe('OffsetDelete', () => {
  it('deletes what is there; what does not exist is told apart', async () => {
    const fixture = await committed()
    const topics = [of('t', 0, 3, 4), of('nowhere', 0), of('u', 1)]
    const answer = await fixture.send(offsetDelete, 0, { groupId: 'g', topics })
    expect(answer.errorCode).toBe(ErrorCode.NONE)
    const errors = answer.topics.map(({ name, partitions }) => [name, partitions.map(({ errorCode }) => errorCode)])
    expect(errors).toEqual([
      ['t', [0, 0, 3]],
      ['nowhere', [3]],
      ['u', [0]],
    ])
    const rest = await fixture.send(offsetFetch, 7, { groupId: 'g', topics: null, groups: [] })
    const left = rest.topics.map(({ name, partitions }) => [name, partitions.map((one) => one.partitionIndex)])
    expect(left).toEqual([
      ['t', [1]],
      ['u', [0]],
    ])
  })

  it('a topic that a member subscribes to is refused partition by partition', async () => {
    const fixture = await committed()
    await join(fixture, 'consumer')
    const answer = await fixture.send(offsetDelete, 0, { groupId: 'g', topics: [of('t', 0, 4), of('u', 0)] })
    const errors = answer.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    expect(errors).toEqual([
      [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [ErrorCode.NONE],
    ])
  })

  it.each([
    ['an unknown group', 'nope', ErrorCode.GROUP_ID_NOT_FOUND],
    ['members of another protocol type', 'g', ErrorCode.NON_EMPTY_GROUP],
  ])('%s is an error of the whole request', async (_what, groupId, errorCode) => {
    const fixture = await committed()
    await join(fixture, 'connect')
    expect(await fixture.send(offsetDelete, 0, { groupId, topics: [of('t', 0)] })).toMatchObject({
      errorCode,
      topics: [],
    })
  })

  it('a failure is an error of the whole request', async () => {
    const fixture = await committed()
    const answer = fixture.fail(offsetDelete, 0, { groupId: 'g', topics: [of('t', 0)] }, ErrorCode.NOT_COORDINATOR)
    expect(answer).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR, topics: [] })
  })
})
