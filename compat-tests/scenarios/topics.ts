import assert from 'node:assert/strict'
import { failsWith, failsWithOrLocally, has, type Scenario } from '../scenario.ts'
import { assertSame, gone, newTopic, numbered, produce, readAll, visible } from './records.ts'

export const topicScenarios: Scenario[] = [
  {
    name: 'cluster',
    fixture: 'shared',
    operations: ['describeCluster'],
    async run(context) {
      const { clusterId, controllerId, brokers } = await context.client.call('describeCluster', {})
      assert.match(clusterId, /^[\w-]{22}$/)
      assert.equal(brokers.length, 1)
      assert.equal(brokers[0]?.host, context.host)
      assert.equal(brokers[0]?.port, context.port)
      assert.equal(controllerId, brokers[0]?.id, 'the controller is one of the brokers')
    },
  },
  {
    name: 'create-describe-delete-topics',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'topic.with_all-signs', 3)
      const described = await client.call('describeTopic', { topic })
      const leader = described.partitions[0]?.leader
      assert.deepEqual(
        described.partitions,
        [0, 1, 2].map((partition) => ({ partition, leader, replicas: [leader], isr: [leader] })),
      )
      assert.ok((await client.call('listTopics', {})).names.includes(topic))
      const create = (fields: object) =>
        client.call('createTopic', {
          name: context.unique('refused'),
          partitions: 1,
          replicationFactor: 1,
          configs: {},
          validateOnly: false,
          ...fields,
        })
      await failsWith(36, create({ name: topic }))
      await failsWithOrLocally(17, create({ name: 'not a legal name!' }))
      await failsWithOrLocally(37, create({ partitions: 0 }))
      await failsWith(38, create({ replicationFactor: 3 }))
      await failsWith(40, create({ configs: { 'no.such.config': '1' } }))
      await failsWith(40, create({ configs: { 'retention.ms': 'abc' } }))
      if (has(client, 'create-topic-validate-only')) {
        const name = context.unique('only-validated')
        await create({ name, validateOnly: true })
        assert.equal((await client.call('listTopics', {})).names.includes(name), false)
      }
      await client.call('deleteTopic', { name: topic })
      await gone(context, topic)
      assert.equal((await client.call('listTopics', {})).names.includes(topic), false)
      await failsWith(3, client.call('deleteTopic', { name: topic }))
    },
  },
  {
    name: 'delete-and-create-again',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'again')
      await produce(client, topic, numbered('first life ', 0, 5))
      const first = await client.call('describeTopic', { topic })
      await client.call('deleteTopic', { name: topic })
      await gone(context, topic)
      await client.call('createTopic', {
        name: topic,
        partitions: 2,
        replicationFactor: 1,
        configs: {},
        validateOnly: false,
      })
      await visible(context, topic, 2)
      const second = await client.call('describeTopic', { topic })
      if (first.topicId !== null) assert.notEqual(second.topicId, first.topicId, 'a topic id is never used again')
      // A process of its own: the first one may rightly remember the topic it knew.
      const other = await context.startClient()
      const sent = numbered('second life ', 0, 3)
      const { placed } = await produce(other, topic, sent)
      assert.deepEqual(
        placed.map(({ offset }) => offset),
        [0, 1, 2],
      )
      assertSame(await readAll(other, topic), sent)
    },
  },
  {
    name: 'create-partitions',
    fixture: 'shared',
    operations: ['createPartitions'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'growing', 2)
      const before = numbered('before ', 0, 3, { partition: 1 })
      await produce(client, topic, before)
      // Error 37, INVALID_PARTITIONS.
      await failsWith(37, client.call('createPartitions', { topic, count: 1 }))
      await failsWith(37, client.call('createPartitions', { topic, count: 2 }))
      await client.call('createPartitions', { topic, count: 4 })
      await visible(context, topic, 4)
      // A process of its own, since a client learns of new partitions when its metadata is refreshed.
      const other = await context.startClient()
      const after = numbered('after ', 0, 3, { partition: 3 })
      await produce(other, topic, after)
      assertSame(await readAll(other, topic, [1]), before)
      assertSame(await readAll(other, topic, [3]), after)
    },
  },
]
