import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { GroupMember, isParked, stableMember } from '../group-member.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

interface Beat {
  readonly groupId: string
  readonly memberId?: string
  readonly generationId?: number
  readonly groupInstanceId?: string | null
}

function beat({ groupId, memberId = 'nobody', generationId = 1, groupInstanceId = null }: Beat) {
  return { groupId, memberId, generationId, groupInstanceId }
}

export const heartbeatCases = wireCases('Heartbeat', (wireCase) => {
  for (const version of versionsOf(Heartbeat)) {
    wireCase(`v${version} of a member is a success`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      await test.expect(Heartbeat, version, beat({ groupId: group, memberId }), { errorCode: 0 })
    })

    wireCase(`v${version} in an unknown group, of an unknown member, without a group`, async (test) => {
      const group = await test.group()
      await test.expect(Heartbeat, version, beat({ groupId: group }), { errorCode: 25 })
      await stableMember(test, group)
      await test.expect(Heartbeat, version, beat({ groupId: group }), { errorCode: 25 })
      await test.expect(Heartbeat, version, beat({ groupId: group, memberId: '' }), { errorCode: 25 })
      await test.expect(Heartbeat, version, beat({ groupId: '' }), { errorCode: 24 })
    })

    wireCase(`v${version} of another generation`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      for (const generationId of [0, 2, -1]) {
        await test.expect(Heartbeat, version, beat({ groupId: group, memberId, generationId }), { errorCode: 22 })
      }
    })
  }

  for (const version of [3, 4]) {
    wireCase(`v${version} of a static member`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group, { instanceId: 'i1' })
      const right = beat({ groupId: group, memberId, groupInstanceId: 'i1' })
      await test.expect(Heartbeat, version, right, { errorCode: 0 })
      const unknown = beat({ groupId: group, memberId, groupInstanceId: 'i2' })
      await test.expect(Heartbeat, version, unknown, { errorCode: 25 })
      const stolen = beat({ groupId: group, memberId: 'somebody', groupInstanceId: 'i1' })
      await test.expect(Heartbeat, version, stolen, { errorCode: 82 })
      await test.expect(Heartbeat, version, beat({ groupId: group, memberId }), { errorCode: 0 })
    })
  }

  wireCase('while the group completes a heartbeat is a success', async (test) => {
    const group = await test.group()
    const member = await GroupMember.connect(test, group)
    await member.join()
    test.same(await member.heartbeat(), 0, 'heartbeat')
  })

  wireCase('trap 64: during a rebalance a heartbeat says so, as often as it comes', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    for (const version of versionsOf(Heartbeat)) test.same(await one.heartbeat(version), 27, 'heartbeat')
    await Promise.all([one.join(), joining])
  })
})
