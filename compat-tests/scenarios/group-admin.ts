import assert from 'node:assert/strict'
import type { OffsetSpec } from '../client.ts'
import { failsWith, failureOf, offers, type Scenario, type ScenarioContext, settled } from '../scenario.ts'
import { onceReady } from './coordinator.ts'
import { balanced, Member, partitionNames, receivedAll } from './membership.ts'
import { allPartitions, gone, newTopic, numbered, produce, visible } from './records.ts'

async function committed(context: ScenarioContext, group: string, topic: string): Promise<number> {
  const { offsets } = await context.client.call('fetchOffsets', { group, partitions: [{ topic, partition: 0 }] })
  return offsets[0]?.offset ?? Number.NaN
}

export const groupAdminScenarios: Scenario[] = [
  {
    name: 'list-and-describe-groups',
    fixture: 'shared',
    operations: ['join', 'listGroups', 'describeGroup', 'leave'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'described', 2)
      const group = context.unique('group')
      const member = await Member.join(client, 'm', { group, topics: [topic] })
      await balanced([member], allPartitions(topic, 2))
      const listed = (await client.call('listGroups', {})).groups.find((each) => each.group === group)
      assert.ok(listed !== undefined, 'the group is listed')
      if (listed.state !== null) assert.equal(listed.state, 'Stable')
      if (listed.protocolType !== null) assert.equal(listed.protocolType, 'consumer')
      const described = await client.call('describeGroup', { group })
      assert.equal(described.state, 'Stable')
      assert.equal(described.protocolType, 'consumer')
      assert.equal(described.members.length, 1)
      const only = described.members[0]
      assert.match(only?.host ?? '', /127\.0\.0\.1/)
      if (only?.assignment !== null)
        assert.deepEqual(partitionNames(only?.assignment ?? []), partitionNames(allPartitions(topic, 2)))
      await member.leave()
      const empty = await client.call('describeGroup', { group })
      assert.equal(empty.state, 'Empty')
      assert.deepEqual(empty.members, [])
    },
  },
  {
    name: 'reset-offsets',
    fixture: 'shared',
    operations: ['join', 'commit', 'leave', 'alterOffsets', 'fetchOffsets'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'reset')
      const group = context.unique('group')
      await produce(client, topic, numbered('r', 0, 8))
      const first = await Member.join(client, 'first', { group, topics: [topic] })
      await receivedAll([first], ['r7'])
      await first.commitReceived()
      assert.equal(await committed(context, group, topic), 8)
      // Refused while the group has members, by the broker or by the client before it asks.
      await failureOf(client.call('alterOffsets', { group, offsets: [{ topic, partition: 0, offset: 1 }] }))
      await first.leave()
      const earliest: OffsetSpec = 'earliest'
      const { offset } = await client.call('listOffsets', { topic, partition: 0, spec: earliest })
      await client.call('alterOffsets', { group, offsets: [{ topic, partition: 0, offset: offset + 5 }] })
      assert.equal(await committed(context, group, topic), 5)
      const second = await Member.join(client, 'second', { group, topics: [topic] })
      await receivedAll([second], ['r5', 'r6', 'r7'])
      assert.equal(second.received.length, 3)
      await second.leave()
      // For a group nobody has ever joined, too.
      const fresh = context.unique('never-joined')
      await client.call('alterOffsets', { group: fresh, offsets: [{ topic, partition: 0, offset: 3 }] })
      assert.equal(await committed(context, fresh, topic), 3)
    },
  },
  {
    name: 'delete-groups',
    fixture: 'shared',
    operations: ['join', 'commit', 'leave', 'deleteGroup', 'fetchOffsets', 'listGroups'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'deleted')
      const group = context.unique('group')
      await produce(client, topic, numbered('r', 0, 4))
      const member = await Member.join(client, 'm', { group, topics: [topic] })
      await receivedAll([member], ['r3'])
      await member.commitReceived()
      // Error 68, NON_EMPTY_GROUP.
      await failsWith(68, client.call('deleteGroup', { group }))
      await member.leave()
      await client.call('deleteGroup', { group })
      const { groups } = await client.call('listGroups', {})
      assert.equal(
        groups.some((each) => each.group === group),
        false,
      )
      assert.equal(await committed(context, group, topic), -1)
      await failsWith(69, client.call('deleteGroup', { group }))
    },
  },
  {
    name: 'delete-group-offsets',
    fixture: 'shared',
    operations: ['join', 'commit', 'leave', 'deleteGroupOffsets', 'fetchOffsets'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'offsets-deleted')
      const group = context.unique('group')
      await produce(client, topic, numbered('r', 0, 4))
      const member = await Member.join(client, 'm', { group, topics: [topic] })
      await receivedAll([member], ['r3'])
      await member.commitReceived()
      const partitions = [{ topic, partition: 0 }]
      // Error 86, GROUP_SUBSCRIBED_TO_TOPIC.
      await failsWith(86, client.call('deleteGroupOffsets', { group, partitions }))
      await member.leave()
      await client.call('deleteGroupOffsets', { group, partitions })
      assert.equal(await committed(context, group, topic), -1)
      if (offers(client, 'describeGroup')) {
        const nobody = context.unique('nobody')
        await failsWith(69, client.call('deleteGroupOffsets', { group: nobody, partitions }))
      }
    },
  },
  {
    name: 'deleting-a-topic-drops-its-offsets',
    fixture: 'shared',
    operations: ['alterOffsets', 'fetchOffsets'],
    async run(context) {
      const { client } = context
      const kept = await newTopic(context, 'kept')
      const dropped = await newTopic(context, 'dropped')
      const group = context.unique('group')
      for (const topic of [kept, dropped]) {
        await produce(client, topic, numbered('r', 0, 4))
        await onceReady(context, () =>
          client.call('alterOffsets', { group, offsets: [{ topic, partition: 0, offset: 2 }] }),
        )
      }
      await client.call('deleteTopic', { name: dropped })
      await gone(context, dropped)
      // A topic of the same name must not inherit what was committed for the old one. Kafka forgets it a moment later.
      await client.call('createTopic', {
        name: dropped,
        partitions: 1,
        replicationFactor: 1,
        configs: {},
        validateOnly: false,
      })
      await visible(context, dropped, 1)
      await settled(context, 'the offsets of the deleted topic are forgotten', async () =>
        (await committed(context, group, dropped)) === -1 ? true : undefined,
      )
      assert.equal(await committed(context, group, kept), 2)
    },
  },
]
