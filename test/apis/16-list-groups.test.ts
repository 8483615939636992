import { beforeAll, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetCommit } from '../../src/apis/08-offset-commit.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { listGroups } from '../../src/apis/16-list-groups.ts'
import { type ApiFixture, apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

let fixture: ApiFixture
beforeAll(async () => {
  fixture = await apiFixture()
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }]
  const commit = { groupId: 'simple', memberId: '', topics: [{ name: 't', partitions }] }
  await fixture.send(offsetCommit, 5, commit)
  await fixture.send(joinGroup, 3, {
    ...{ groupId: 'joining', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '' },
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
  })
})

const list = async (version: number, filters: { statesFilter?: string[]; typesFilter?: string[] } = {}) => {
  const answer = await fixture.send(listGroups, version, { statesFilter: [], typesFilter: [], ...filters })
  expect(answer.errorCode).toBe(ErrorCode.NONE)
  return answer.groups.sort((a, b) => a.groupId.localeCompare(b.groupId))
}

describe('ListGroups', () => {
  it.each(versionsOf(listGroups))('version %i', async (version) => {
    const type = version >= 5 ? 'classic' : ''
    expect(await list(version)).toEqual([
      {
        groupId: 'joining',
        protocolType: 'consumer',
        groupState: version >= 4 ? 'CompletingRebalance' : '',
        groupType: type,
      },
      { groupId: 'simple', protocolType: '', groupState: version >= 4 ? 'Empty' : '', groupType: type },
    ])
  })

  it('filters by state from version 4 on, by type from version 5 on', async () => {
    expect((await list(4, { statesFilter: ['empty'] })).map(({ groupId }) => groupId)).toEqual(['simple'])
    expect((await list(5, { typesFilter: ['consumer'] })).map(({ groupId }) => groupId)).toEqual([])
    expect(
      (await list(5, { typesFilter: ['CLASSIC'], statesFilter: ['Stable'] })).map(({ groupId }) => groupId),
    ).toEqual([])
  })

  it('a failure', () => {
    const request = { statesFilter: [], typesFilter: [] }
    const answer = fixture.fail(listGroups, 5, request, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(answer).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] })
  })
})
