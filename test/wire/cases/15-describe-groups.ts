import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { GroupMember, isParked, joinRequest, stableMember } from '../group-member.ts'
import { matching } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import { commitRequest } from './08-offset-commit.ts'

const NOT_ASKED = -2147483648

const EVERY_GROUP_OPERATION = 3400

function ask(groups: readonly string[], includeAuthorizedOperations = false) {
  return { groups, includeAuthorizedOperations }
}

function unknown(group: string, version: number) {
  const message = `Group ${group} not found.`
  return {
    errorCode: version < 6 ? 0 : 69,
    errorMessage: version < 6 ? null : message,
    groupId: group,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: NOT_ASKED,
  }
}

function described(group: string, groupState: string, changes: object = {}) {
  return {
    errorCode: 0,
    errorMessage: null,
    groupId: group,
    groupState,
    protocolType: 'consumer',
    protocolData: '',
    members: [],
    authorizedOperations: NOT_ASKED,
    ...changes,
  }
}

function member(memberId: string, memberMetadata = '', memberAssignment = '', groupInstanceId: string | null = null) {
  return {
    memberId,
    groupInstanceId,
    clientId: 'wire',
    clientHost: matching(/^\/127\.0\.0\.1$/),
    memberMetadata: Buffer.from(memberMetadata),
    memberAssignment: Buffer.from(memberAssignment),
  }
}

export const describeGroupsCases = wireCases('DescribeGroups', (wireCase) => {
  for (const version of versionsOf(DescribeGroups)) {
    wireCase(`v${version} of a stable group`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      const members = [member(memberId, 'meta', 'mine')]
      const expected = described(group, 'Stable', { protocolData: 'range', members })
      await test.expect(DescribeGroups, version, ask([group]), { groups: [expected] })
    })

    wireCase(`trap 76: v${version} of an unknown group`, async (test) => {
      const group = await test.group()
      await test.expect(DescribeGroups, version, ask([group]), { groups: [unknown(group, version)] })
    })

    wireCase(`v${version} of a group that is empty, and of one that has only offsets`, async (test) => {
      const [group, simple, topic] = [await test.group(), await test.group(), await test.topic()]
      await (await stableMember(test, group)).leave()
      await test.expect(DescribeGroups, version, ask([group]), { groups: [described(group, 'Empty')] })
      await test.call(OffsetCommit, 8, commitRequest(simple, topic, 1))
      const expected = described(simple, 'Empty', { protocolType: '' })
      await test.expect(DescribeGroups, version, ask([simple]), { groups: [expected] })
    })

    wireCase(`v${version} of several groups answers each`, async (test) => {
      const [one, two] = [await test.group(), await test.group()]
      await stableMember(test, one)
      const { groups } = await test.call(DescribeGroups, version, ask([one, two]))
      test.same(
        Object.fromEntries(groups.map(({ groupId, groupState }) => [groupId, groupState])),
        { [one]: 'Stable', [two]: 'Dead' },
        'states',
      )
    })

    wireCase(`v${version} of no groups`, async (test) => {
      await test.expect(DescribeGroups, version, ask([]), { groups: [] })
    })
  }

  for (const version of versionsOf(DescribeGroups, 3)) {
    wireCase(`v${version} tells what one may do when asked`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      const members = [member(memberId, 'meta', 'mine')]
      const expected = described(group, 'Stable', {
        protocolData: 'range',
        members,
        authorizedOperations: EVERY_GROUP_OPERATION,
      })
      await test.expect(DescribeGroups, version, ask([group], true), { groups: [expected] })
    })
  }

  wireCase('v6 of the group with the empty name', async (test) => {
    await test.untilCoordinated('')
    const { groups } = await test.call(DescribeGroups, 6, ask(['']))
    test.same(groups.length, 1, 'groups')
  })

  wireCase('v4 and later name the instance of a static member', async (test) => {
    const group = await test.group()
    const { memberId } = await stableMember(test, group, { instanceId: 'i1' })
    for (const version of versionsOf(DescribeGroups)) {
      const members = [member(memberId, 'meta', 'mine', 'i1')]
      const expected = described(group, 'Stable', { protocolData: 'range', members })
      await test.expect(DescribeGroups, version, ask([group]), { groups: [expected] })
    }
  })

  wireCase('during a rebalance members have no metadata, but the assignment they had', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    const { groups } = await test.call(DescribeGroups, 5, ask([group]))
    const { groupState, protocolData, members } = groups[0]!
    test.same([groupState, protocolData, members.length], ['PreparingRebalance', '', 2], 'group')
    test.same(
      members.map(({ memberMetadata }) => memberMetadata.length),
      [0, 0],
      'metadata',
    )
    test.same(
      members.map(({ memberAssignment }) => memberAssignment.toString()).toSorted(),
      ['', 'mine'],
      'assignments',
    )
    await Promise.all([one.join(), joining])
    const completing = await test.call(DescribeGroups, 5, ask([group]))
    test.same(completing.groups[0]!.groupState, 'CompletingRebalance', 'state')
  })

  wireCase('a member that is pending makes no group, or an empty one', async (test) => {
    const group = await test.group()
    await test.call(JoinGroup, 9, joinRequest(group, ''))
    const { groups } = await test.call(DescribeGroups, 5, ask([group]))
    test.same([groups[0]!.groupState, groups[0]!.members.length], ['Empty', 0], 'state and members')
  })
})
