import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { joinedAlone, joinRefused, stateOf } from '../group-answers.ts'
import { GroupMember, isParked, joinRequest, stableMember } from '../group-member.ts'
import { wireCases } from '../wire-case.ts'
import { sleep } from '../wire-client.ts'

export const groupTimerCases = wireCases('group timers', (wireCase) => {
  wireCase(
    'trap 61: members that come within group.initial.rebalance.delay.ms share the first generation',
    async (test) => {
      const group = await test.group()
      const [one, two] = [await GroupMember.connect(test, group), await GroupMember.connect(test, group)]
      const [first, second] = await Promise.all([one.join(), two.join()])
      test.same([first.generationId, second.generationId], [1, 1], 'generations')
      test.same(first.members.length + second.members.length, 2, 'members, as the leader sees them')
    },
    'tuned',
  )

  wireCase('trap 61: without a delay the first member does not wait for others', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group)
    const joined = await one.join()
    test.compare(JoinGroup, 9, joined, joinedAlone(one.memberId))
  })

  wireCase(
    'a group that is full',
    async (test) => {
      const group = await test.group()
      const [one, two] = [await GroupMember.connect(test, group), await GroupMember.connect(test, group)]
      await Promise.all([one.join(), two.join()])
      for (const version of [0, 3, 4, 9]) {
        const answer = await test.call(JoinGroup, version, joinRequest(group, ''))
        if (answer.errorCode === 79) {
          const second = joinRequest(group, answer.memberId)
          await test.expect(JoinGroup, version, second, joinRefused(version, 81, answer.memberId))
        } else test.compare(JoinGroup, version, answer, joinRefused(version, 81))
      }
    },
    'tuned',
  )

  wireCase(
    'a member that is silent for its session timeout is removed',
    async (test) => {
      const group = await test.group()
      const member = await stableMember(test, group, { sessionTimeoutMs: 300 })
      await test.eventually('the group to be empty', async () => (await stateOf(test, group)) === 'Empty')
      test.same(await member.heartbeat(), 25, 'heartbeat')
    },
    'tuned',
  )

  wireCase(
    'heartbeats keep a member, and the others hear when it is gone',
    async (test) => {
      const group = await test.group()
      const [one, two] = [
        await GroupMember.connect(test, group, { sessionTimeoutMs: 30_000 }),
        await GroupMember.connect(test, group, { sessionTimeoutMs: 600 }),
      ]
      await Promise.all([one.join(), two.join()])
      const assignments = { [one.memberId]: 'a', [two.memberId]: 'b' }
      await Promise.all([one.sync(assignments), two.sync(assignments)])
      for (let beat = 0; beat < 8; beat++) {
        test.same(await two.heartbeat(), 0, 'heartbeat')
        await sleep(150)
      }
      test.same(await one.heartbeat(), 0, 'the other')
      await test.eventually('the other to hear of it', async () => (await one.heartbeat()) === 27)
      const { members } = await one.join()
      test.same(
        members.map(({ memberId }) => memberId),
        [one.memberId],
        'members',
      )
    },
    'tuned',
  )

  wireCase(
    'trap 62: a member that waits in JoinGroup is alive, however short its session',
    async (test) => {
      const group = await test.group()
      const leader = await stableMember(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 20_000 })
      const waiting = await GroupMember.connect(test, group, { sessionTimeoutMs: 200 })
      const joining = waiting.join()
      await sleep(1200)
      test.same(await isParked(test, joining), true, 'it waits')
      const [led, joined] = await Promise.all([leader.join(), joining])
      test.same([led.members.length, joined.errorCode], [2, 0], 'members and error')
    },
    'tuned',
  )

  wireCase(
    'trap 62: a member that waits in SyncGroup is alive, however short its session',
    async (test) => {
      const group = await test.group()
      const options = { sessionTimeoutMs: 400, rebalanceTimeoutMs: 20_000 }
      const [one, two] = [
        await GroupMember.connect(test, group, options),
        await GroupMember.connect(test, group, options),
      ]
      const [first] = await Promise.all([one.join(), two.join()])
      const [leader, follower] = first.leader === one.memberId ? [one, two] : [two, one]
      const syncing = follower.sync()
      for (let beat = 0; beat < 8; beat++) {
        await sleep(150)
        test.same(await leader.heartbeat(), 0, 'the leader is alive')
      }
      test.same(await isParked(test, syncing), true, 'the follower waits')
      await leader.sync({ [follower.memberId]: 'late' })
      const { errorCode, assignment } = await syncing
      test.same([errorCode, assignment], [0, Buffer.from('late')], 'answer')
    },
    'tuned',
  )

  wireCase(
    'members that do not join again within the rebalance timeout are removed',
    async (test) => {
      const group = await test.group()
      const slow = await stableMember(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 500 })
      const quick = await GroupMember.connect(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 500 })
      const joined = await quick.join()
      test.same([joined.errorCode, joined.generationId, joined.leader], [0, 2, quick.memberId], 'answer')
      test.same(
        joined.members.map(({ memberId }) => memberId),
        [quick.memberId],
        'members',
      )
      test.same(await slow.heartbeat(), 25, 'the slow one')
    },
    'tuned',
  )

  wireCase(
    'members that never sync are removed after the rebalance timeout',
    async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 400 })
      await member.join()
      await test.eventually('the group to be empty', async () => (await stateOf(test, group)) === 'Empty')
      test.same(await member.heartbeat(), 25, 'heartbeat')
    },
    'tuned',
  )

  wireCase(
    'a pending member that does not come back is forgotten after its session timeout',
    async (test) => {
      const group = await test.group()
      const { memberId } = await test.call(JoinGroup, 9, joinRequest(group, '', { sessionTimeoutMs: 200 }))
      await sleep(900)
      await test.expect(JoinGroup, 9, joinRequest(group, memberId), joinRefused(9, 25, memberId))
    },
    'tuned',
  )
})
