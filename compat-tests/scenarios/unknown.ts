import assert from 'node:assert/strict'
import {
  failsWith,
  failsWithOrLocally,
  failureOf,
  has,
  offers,
  type Scenario,
  type ScenarioContext,
} from '../scenario.ts'
import { onceReady } from './coordinator.ts'
import { assertSame, newTopic, numbered, produce, readAll, visible } from './records.ts'

async function exists(context: ScenarioContext, topic: string): Promise<boolean> {
  return (await context.client.call('listTopics', {})).names.includes(topic)
}

export const unknownScenarios: Scenario[] = [
  {
    name: 'unknown-topic',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = context.unique('nowhere')
      // Error 3, UNKNOWN_TOPIC_OR_PARTITION.
      await failsWith(3, client.call('describeTopic', { topic }))
      if (has(client, 'look-without-creating')) {
        await failsWithOrLocally(3, client.call('listOffsets', { topic, partition: 0, spec: 'latest' }))
      }
      if (has(client, 'produce-without-creating')) {
        await failsWithOrLocally(3, produce(client, topic, numbered('x', 0, 1), { timeoutMs: 2_000 }))
      }
      await failsWith(3, client.call('deleteTopic', { name: topic }))
      await failsWith(3, client.call('describeConfigs', { type: 'topic', name: topic }))
      if (offers(client, 'createPartitions')) await failsWith(3, client.call('createPartitions', { topic, count: 2 }))
      if (offers(client, 'deleteRecords')) {
        // aiokafka finds no leader in its metadata and says 6, NOT_LEADER_OR_FOLLOWER, by itself.
        await failsWithOrLocally([3, 6], client.call('deleteRecords', { topic, partition: 0, offset: 1 }))
      }
      assert.equal(await exists(context, topic), false, 'looking for a topic must not create it')
    },
  },
  {
    name: 'unknown-partition',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'two', 2)
      // Written to first: partitions of Kafka that are not led yet would answer otherwise.
      const sent = [0, 1].flatMap((partition) => numbered('known ', 0, 1, { partition }))
      await produce(client, topic, sent)
      await failsWithOrLocally(3, client.call('listOffsets', { topic, partition: 7, spec: 'latest' }))
      if (has(client, 'refuses-unknown-partition')) {
        await failureOf(produce(client, topic, numbered('x', 0, 1, { partition: 7 }), { timeoutMs: 2_000 }))
      }
      assert.equal((await readAll(client, topic, [0, 1])).length, sent.length)
    },
  },
  {
    name: 'unknown-group',
    fixture: 'shared',
    operations: ['fetchOffsets'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'no-group')
      const group = context.unique('nobody')
      const { offsets } = await onceReady(context, () =>
        client.call('fetchOffsets', { group, partitions: [{ topic, partition: 0 }] }),
      )
      assert.equal(offsets[0]?.offset, -1, 'nothing committed is -1 and no error')
      if (offers(client, 'describeGroup')) {
        const described = await client.call('describeGroup', { group }).catch((error) => error)
        // DescribeGroups before version 6 says Dead, version 6 says error 69, GROUP_ID_NOT_FOUND.
        assert.ok(
          described.state === 'Dead' || described.code === 69,
          `state ${described.state}, error ${described.code}`,
        )
      }
      if (offers(client, 'deleteGroup')) await failsWith(69, client.call('deleteGroup', { group }))
    },
  },
  {
    name: 'auto-creation-on',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = context.unique('auto')
      // Kafka answers the Metadata request that creates a topic with error 3, and the client asks again; we create it
      // first and answer at once. Both end in the same send.
      const sent = numbered('auto ', 0, 3, { partition: null })
      await produce(client, topic, sent, { autoCreate: true })
      await visible(context, topic, 1)
      assertSame(await readAll(client, topic), sent)
    },
  },
  {
    name: 'auto-creation-off',
    fixture: 'no-auto-create',
    async run(context) {
      const { client } = context
      const topic = context.unique('not-auto')
      const sent = numbered('value ', 0, 3)
      await failsWithOrLocally(3, produce(client, topic, sent, { autoCreate: true, timeoutMs: 3_000 }))
      assert.equal(await exists(context, topic), false)
      const made = await newTopic(context, 'made')
      await produce(client, made, sent, { autoCreate: true })
      assertSame(await readAll(client, made), sent)
    },
  },
]
