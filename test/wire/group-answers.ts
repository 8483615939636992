import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import type { GroupMember } from './group-member.ts'
import type { matching } from './matcher.ts'
import type { WireTest } from './wire-test.ts'

export const MEMBER_UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

export function joinRefused(version: number, errorCode: number, memberId: string | ReturnType<typeof matching> = '') {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: version < 7 ? '' : null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function joinedAlone(
  memberId: string,
  generationId = 1,
  groupInstanceId: string | null = null,
  protocolName = 'range',
) {
  return {
    errorCode: 0,
    generationId,
    protocolType: 'consumer',
    protocolName,
    leader: memberId,
    skipAssignment: false,
    memberId,
    members: [{ memberId, groupInstanceId, metadata: Buffer.from('meta') }],
  }
}

export async function stateOf(test: WireTest, group: string): Promise<string> {
  const { groups } = await test.call(DescribeGroups, 5, { groups: [group], includeAuthorizedOperations: false })
  return groups[0]!.groupState
}

/** The second joins a group whose only member joins again. */
export async function joinBoth(test: WireTest, one: GroupMember, two: GroupMember) {
  const joining = two.join()
  await test.eventually('the rebalance', async () => (await one.heartbeat()) === 27)
  return Promise.all([one.join(), joining])
}
