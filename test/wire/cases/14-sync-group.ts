import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { GroupMember, isParked, stableMember, stablePair } from '../group-member.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const syncGroupCases = wireCases('SyncGroup', (wireCase) => {
  const ask = (member: GroupMember, changes: object = {}) => ({
    groupId: member.group,
    generationId: member.generation,
    memberId: member.memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId: member.memberId, assignment: Buffer.from('mine') }],
    ...changes,
  })
  const answer = (assignment: string) => ({
    errorCode: 0,
    protocolType: 'consumer',
    protocolName: 'range',
    assignment: Buffer.from(assignment),
  })
  const refused = (errorCode: number) => ({
    errorCode,
    protocolType: null,
    protocolName: null,
    assignment: Buffer.alloc(0),
  })

  for (const version of versionsOf(SyncGroup)) {
    wireCase(`v${version}: the leader assigns, and gets it again when it asks again`, async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group)
      await member.join()
      await test.expect(SyncGroup, version, ask(member), answer('mine'))
      await test.expect(SyncGroup, version, ask(member, { assignments: [] }), answer('mine'))
    })

    wireCase(`v${version}: errors`, async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group)
      const nobody = { memberId: 'nobody' }
      await test.expect(SyncGroup, version, ask(member, nobody), refused(25))
      await member.join()
      await test.expect(SyncGroup, version, ask(member, nobody), refused(25))
      await test.expect(SyncGroup, version, ask(member, { generationId: 2 }), refused(22))
      await test.expect(SyncGroup, version, ask(member, { generationId: 0 }), refused(22))
      await test.expect(SyncGroup, version, ask(member, { groupId: '' }), refused(24))
    })
  }

  for (const change of [
    { protocolType: 'connect' },
    { protocolName: 'sticky' },
    { protocolType: null },
    { protocolName: null },
  ]) {
    wireCase(`v5 with ${JSON.stringify(change)} is inconsistent`, async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group)
      await member.join()
      await test.expect(SyncGroup, 5, ask(member, change), refused(23))
      await test.expect(SyncGroup, 5, ask(member), answer('mine'))
    })
  }

  wireCase('trap 65: a follower waits for the assignment of the leader', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group)
    const follower = await GroupMember.connect(test, group)
    const joining = follower.join()
    await isParked(test, joining)
    await Promise.all([leader.join(), joining])
    const syncing = follower.sync()
    test.same(await isParked(test, syncing), true, 'the follower waits')
    const led = await leader.sync({ [leader.memberId]: 'first', [follower.memberId]: 'second' })
    test.compare(SyncGroup, 5, led, answer('first'))
    test.compare(SyncGroup, 5, await syncing, answer('second'))
  })

  wireCase('a member that the leader leaves out gets no bytes', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group)
    const follower = await GroupMember.connect(test, group)
    const joining = follower.join()
    await isParked(test, joining)
    await Promise.all([leader.join(), joining])
    const [, followed] = await Promise.all([leader.sync({ [leader.memberId]: 'all' }), follower.sync()])
    test.compare(SyncGroup, 5, followed, answer(''))
  })

  wireCase('what a follower assigns does not matter', async (test) => {
    const group = await test.group()
    const [leader, follower] = await stablePair(test, group)
    const again = await follower.sync({ [follower.memberId]: 'everything' })
    test.compare(SyncGroup, 5, again, answer('second'))
    test.compare(SyncGroup, 5, await leader.sync(), answer('first'))
  })

  wireCase('during a rebalance a sync is told so', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    await test.expectOn(one.client, SyncGroup, 5, ask(one), refused(27))
    await Promise.all([one.join(), joining])
  })

  wireCase('a rebalance ends the wait of those who sync', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group)
    const follower = await GroupMember.connect(test, group)
    const joining = follower.join()
    await isParked(test, joining)
    await Promise.all([leader.join(), joining])
    const syncing = follower.sync()
    await isParked(test, syncing)
    const third = await GroupMember.connect(test, group)
    const thirdJoining = third.join()
    test.compare(SyncGroup, 5, await syncing, refused(27))
    await Promise.all([leader.join(), follower.join(), thirdJoining])
  })

  wireCase('an assignment is opaque and comes back byte for byte', async (test) => {
    const group = await test.group()
    const member = await GroupMember.connect(test, group)
    await member.join()
    const assignment = Buffer.from(Array.from({ length: 256 }, (_, byte) => 255 - byte))
    const request = ask(member, { assignments: [{ memberId: member.memberId, assignment }] })
    const synced = await test.call(SyncGroup, 3, request)
    test.same(synced.assignment, assignment, 'assignment')
  })
})
