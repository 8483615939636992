import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { offsetCommit } from '../../src/apis/08-offset-commit.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { deleteGroups } from '../../src/apis/42-delete-groups.ts'
import { apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

describe('DeleteGroups', () => {
  it.each(versionsOf(deleteGroups))('version %i: each group for itself', async (version) => {
    const fixture = await apiFixture()
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }]
    for (const groupId of ['simple', '']) {
      await fixture.send(offsetCommit, 5, { groupId, memberId: '', topics: [{ name: 't', partitions }] })
    }
    await fixture.send(joinGroup, 3, {
      ...{ groupId: 'joining', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '' },
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('t') }],
    })
    const request = { groupsNames: ['simple', 'joining', 'nope', '', 'simple'] }
    const { results } = await fixture.send(deleteGroups, version, request)
    expect(results).toEqual([
      { groupId: 'simple', errorCode: ErrorCode.NONE },
      { groupId: 'joining', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'nope', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
      { groupId: '', errorCode: ErrorCode.NONE },
    ])
    expect((await fixture.groups.listGroups({ states: [], types: [] })).groups).toHaveLength(1)
  })

  it('a failure is told for every group', async () => {
    const fixture = await apiFixture()
    const { results } = fixture.fail(deleteGroups, 2, { groupsNames: ['a', 'b'] }, ErrorCode.NOT_COORDINATOR)
    expect(results).toEqual([
      { groupId: 'a', errorCode: ErrorCode.NOT_COORDINATOR },
      { groupId: 'b', errorCode: ErrorCode.NOT_COORDINATOR },
    ])
  })
})
