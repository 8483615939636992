import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { syncGroup } from '../../src/apis/14-sync-group.ts'
import { describeGroups } from '../../src/apis/15-describe-groups.ts'
import { apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

const NOT_ASKED = -2147483648
const GROUP_OPERATIONS = 3400

async function stable() {
  const fixture = await apiFixture()
  const { memberId } = await fixture.send(joinGroup, 5, {
    ...{ groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', groupInstanceId: 'i' },
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
  })
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  await fixture.send(syncGroup, 3, { groupId: 'g', generationId: 1, memberId, groupInstanceId: 'i', assignments })
  return { fixture, memberId }
}

describe('DescribeGroups', () => {
  it.each(versionsOf(describeGroups))('version %i: a stable group', async (version) => {
    const { fixture, memberId } = await stable()
    const { groups } = await fixture.send(describeGroups, version, {
      groups: ['g'],
      includeAuthorizedOperations: version >= 3,
    })
    expect(groups).toEqual([
      {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        groupId: 'g',
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [
          {
            memberId,
            groupInstanceId: version >= 4 ? 'i' : null,
            clientId: 'client',
            clientHost: '/127.0.0.1',
            memberMetadata: subscription('t'),
            memberAssignment: Buffer.from('all'),
          },
        ],
        authorizedOperations: version >= 3 ? GROUP_OPERATIONS : NOT_ASKED,
      },
    ])
  })

  it.each(versionsOf(describeGroups))('version %i, trap 76: a group that does not exist', async (version) => {
    const fixture = await apiFixture()
    const { groups } = await fixture.send(describeGroups, version, {
      groups: ['nope'],
      includeAuthorizedOperations: false,
    })
    expect(groups).toMatchObject([
      {
        errorCode: version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
        errorMessage: version >= 6 ? 'Group nope not found.' : null,
        groupId: 'nope',
        groupState: 'Dead',
        members: [],
        authorizedOperations: NOT_ASKED,
      },
    ])
  })

  it('each group is answered for itself, in order', async () => {
    const { fixture } = await stable()
    const request = { groups: ['nope', 'g', ''], includeAuthorizedOperations: true }
    const { groups } = await fixture.send(describeGroups, 6, request)
    expect(groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ['nope', 69],
      ['g', 0],
      ['', 69],
    ])
  })

  it('a failure is told for every group', async () => {
    const fixture = await apiFixture()
    const request = { groups: ['a', 'b'], includeAuthorizedOperations: false }
    const { groups } = fixture.fail(describeGroups, 4, request, ErrorCode.NOT_COORDINATOR)
    expect(groups).toMatchObject([
      { groupId: 'a', errorCode: 16 },
      { groupId: 'b', errorCode: 16 },
    ])
  })
})
