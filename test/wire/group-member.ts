import type { DecodedResponseOf } from '../../protocol/codec/schema.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import type { WireClient } from './wire-client.ts'
import type { WireTest } from './wire-test.ts'

export type Joined = DecodedResponseOf<typeof JoinGroup>
export type Synced = DecodedResponseOf<typeof SyncGroup>

export interface MemberOptions {
  readonly instanceId?: string | null
  readonly protocolType?: string
  /** Name and metadata, the favourite first. */
  readonly protocols?: readonly (readonly [name: string, metadata: string | Buffer])[]
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
}

const MEMBER_ID_REQUIRED = 79

export function joinRequest(groupId: string, memberId: string, options: MemberOptions = {}) {
  const { instanceId = null, protocolType = 'consumer', protocols = [['range', 'meta']] } = options
  const { sessionTimeoutMs = 30_000, rebalanceTimeoutMs = 30_000 } = options
  return {
    groupId,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    memberId,
    groupInstanceId: instanceId,
    protocolType,
    protocols: protocols.map(([name, metadata]) => ({ name, metadata: Buffer.from(metadata) })),
    reason: null,
  }
}

/** One member of a group on a connection of its own. It does nothing by itself: no heartbeats, no rejoining. */
export class GroupMember {
  readonly client: WireClient
  readonly group: string
  readonly options: MemberOptions
  memberId = ''
  generation = -1

  constructor(client: WireClient, group: string, options: MemberOptions) {
    this.client = client
    this.group = group
    this.options = options
  }

  static async connect(test: WireTest, group: string, options: MemberOptions = {}): Promise<GroupMember> {
    return new GroupMember(await test.connect(), group, options)
  }

  /** Takes the member id it is given along, with the second request that newer versions need. */
  async join(version = 9, options: MemberOptions = this.options): Promise<Joined> {
    const joined = await this.client.call(JoinGroup, version, joinRequest(this.group, this.memberId, options))
    if (joined.errorCode === MEMBER_ID_REQUIRED) {
      this.memberId = joined.memberId
      return this.join(version, options)
    }
    if (joined.errorCode === 0) {
      this.memberId = joined.memberId
      this.generation = joined.generationId
    }
    return joined
  }

  /** Gives out assignments, by member id, when it is the leader. */
  sync(assignments: Readonly<Record<string, string>> = {}, version = 5): Promise<Synced> {
    const { protocolType = 'consumer', protocols = [['range', 'meta']] } = this.options
    return this.client.call(SyncGroup, version, {
      groupId: this.group,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.options.instanceId ?? null,
      protocolType,
      protocolName: protocols[0]![0],
      assignments: Object.entries(assignments).map(([memberId, assignment]) => ({
        memberId,
        assignment: Buffer.from(assignment),
      })),
    })
  }

  /** The error code. */
  async heartbeat(version = 4): Promise<number> {
    const { errorCode } = await this.client.call(Heartbeat, version, {
      groupId: this.group,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.options.instanceId ?? null,
    })
    return errorCode
  }

  async leave(): Promise<number> {
    const { memberId, group } = this
    const { members } = await this.client.call(LeaveGroup, 5, {
      groupId: group,
      members: [{ memberId, groupInstanceId: null, reason: null }],
    })
    return members[0]!.errorCode
  }
}

/** A member alone in its group, joined and synced. */
export async function stableMember(test: WireTest, group: string, options: MemberOptions = {}): Promise<GroupMember> {
  const member = await GroupMember.connect(test, group, options)
  await member.join()
  const { errorCode } = await member.sync({ [member.memberId]: 'mine' })
  if (errorCode !== 0) throw new Error(`the sync was refused with ${errorCode}`)
  return member
}

/**
 * Leader and follower of generation 2, both synced. The second joins, the first hears of it by its heartbeat and joins
 * again.
 */
export async function stablePair(
  test: WireTest,
  group: string,
  options: MemberOptions = {},
): Promise<readonly [leader: GroupMember, follower: GroupMember]> {
  const leader = await stableMember(test, group, options)
  const follower = await GroupMember.connect(test, group, options)
  const joining = follower.join()
  await test.eventually('the leader to hear of the rebalance', async () => (await leader.heartbeat()) === 27)
  await Promise.all([joining, leader.join()])
  const [led, followed] = await Promise.all([
    leader.sync({ [leader.memberId]: 'first', [follower.memberId]: 'second' }),
    follower.sync(),
  ])
  if (led.errorCode !== 0 || followed.errorCode !== 0) throw new Error('the pair was not synced')
  return [leader, follower]
}

/** Whether the request is still unanswered when the broker has answered some others. */
export async function isParked(test: WireTest, pending: Promise<unknown>): Promise<boolean> {
  let parked = true
  const note = () => {
    parked = false
  }
  pending.then(note, note)
  for (let round = 0; round < 20; round++)
    await test.call(Heartbeat, 0, { groupId: 'nobody', generationId: 1, memberId: 'x' })
  return parked
}
