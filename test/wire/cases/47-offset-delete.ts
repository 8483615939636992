import { codecOf } from '../../../protocol/codec/codec.ts'
import { Writer } from '../../../protocol/codec/writer.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetDelete } from '../../../protocol/messages/47-offset-delete.ts'
import { ConsumerProtocolSubscription } from '../../../protocol/messages/consumer-protocol.ts'
import { stableMember } from '../group-member.ts'
import { wireCases } from '../wire-case.ts'
import { commitRequest, committedOffset } from './08-offset-commit.ts'

/** The subscription of a consumer, as clients put it into JoinGroup. */
function subscriptionTo(...topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(1)
  codecOf(ConsumerProtocolSubscription, 1).encode(writer, { topics, userData: null, ownedPartitions: [] })
  return writer.bytes()
}

export const offsetDeleteCases = wireCases('OffsetDelete', (wireCase) => {
  const request = (groupId: string, name: string, ...indexes: readonly number[]) => ({
    groupId,
    topics: [{ name, partitions: indexes.map((partitionIndex) => ({ partitionIndex })) }],
  })
  const answer = (name: string, ...codes: readonly (readonly [number, number])[]) => ({
    errorCode: 0,
    topics: [{ name, partitions: codes.map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })) }],
  })

  wireCase('v0 deletes offsets of a group without members', async (test) => {
    const [group, topic] = [await test.group(), await test.topic({ partitions: 2 })]
    for (const index of [0, 1]) await test.call(OffsetCommit, 8, commitRequest(group, topic, 5, { index }))
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), answer(topic.name, [0, 0]))
    test.same((await committedOffset(test, group, topic, 0)).offset, -1, 'deleted')
    test.same((await committedOffset(test, group, topic, 1)).offset, 5, 'kept')
  })

  wireCase('v0 of an unknown group', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), { errorCode: 69, topics: [] })
  })

  wireCase('v0 of an unknown topic and an unknown partition', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 5))
    const nowhere = test.unique('unknown')
    await test.expect(OffsetDelete, 0, request(group, nowhere, 0), answer(nowhere, [0, 3]))
    await test.expect(OffsetDelete, 0, request(group, topic.name, 7), answer(topic.name, [7, 3]))
  })

  wireCase('v0 of a partition that was never committed is a success', async (test) => {
    const [group, topic] = [await test.group(), await test.topic({ partitions: 2 })]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 5))
    await test.expect(OffsetDelete, 0, request(group, topic.name, 1), answer(topic.name, [1, 0]))
  })

  wireCase('v0 of a topic that a member subscribes to, and of one that it does not', async (test) => {
    const [group, mine, other] = [await test.group(), await test.topic(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, mine, 1))
    await test.call(OffsetCommit, 8, commitRequest(group, other, 2))
    await stableMember(test, group, { protocols: [['range', subscriptionTo(mine.name)]] })
    await test.expect(OffsetDelete, 0, request(group, mine.name, 0), answer(mine.name, [0, 86]))
    await test.expect(OffsetDelete, 0, request(group, other.name, 0), answer(other.name, [0, 0]))
    test.same(
      [(await committedOffset(test, group, mine)).offset, (await committedOffset(test, group, other)).offset],
      [1, -1],
      'offsets',
    )
  })

  wireCase('v0 of a group whose members are no consumers', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await stableMember(test, group, { protocolType: 'connect', protocols: [['range', 'x']] })
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), { errorCode: 68, topics: [] })
  })

  wireCase('v0 of a group whose subscriptions nobody can read: every topic counts as subscribed', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 1))
    await stableMember(test, group, { protocols: [['range', 'meta']] })
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), answer(topic.name, [0, 86]))
  })
})
