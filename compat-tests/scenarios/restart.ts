import assert from 'node:assert/strict'
import { eventually } from '../process.ts'
import { has, type Scenario } from '../scenario.ts'
import { onceReady } from './coordinator.ts'
import { assertCommitsKept, assertNothingLost, Committer, consumedAll, Load } from './load.ts'
import { balanced, Member } from './membership.ts'
import { endOffset, newTopic, numbered, produce, readAll, visible } from './records.ts'

export const restartScenarios: Scenario[] = [
  {
    name: 'kill-9-in-the-middle-of-a-load',
    fixture: 'restarted',
    operations: ['join', 'news', 'commit', 'fetchOffsets'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'killed', 3)
      const group = context.unique('group')
      const idempotent = has(client, 'idempotent')
      const loads = [new Load(0, idempotent), new Load(1, idempotent), new Load(2, false)]
      const member = await Member.join(client, 'm', { group, topics: [topic], sessionTimeoutMs: 10_000 })
      await balanced(
        [member],
        [0, 1, 2].map((partition) => ({ topic, partition })),
      )
      const committer = new Committer()
      for (const load of loads) load.start(client, topic)
      committer.start(member)
      try {
        for (const load of loads) await load.reached(60)
        await eventually('a commit was acknowledged', 30_000, async () =>
          committer.acknowledged.size > 0 ? true : undefined,
        )
        await context.restartBroker('kill')
        const committedBefore = new Map(committer.acknowledged)
        await assertCommitsKept(context, group, topic, committedBefore)
        const counts = loads.map(({ acknowledged }) => acknowledged.length)
        for (const [index, load] of loads.entries()) await load.reached((counts[index] ?? 0) + 60)
        for (const load of loads) await load.stop()
        await consumedAll(member, loads)
      } finally {
        await Promise.all([...loads.map((load) => load.stop()), committer.stop()])
      }
      // Read by a process that knows nothing of the time before: one that does may first be told that its epoch is old.
      const witness = await context.startClient()
      for (const load of loads) assertNothingLost(load, await readAll(witness, topic, [load.partition]))
      await assertCommitsKept(context, group, topic, committer.acknowledged)
      const failed = loads.flatMap(({ failures }) => failures).length
      if (failed > 0) context.note(`${failed} requests ended with an error at the client while the broker was away`)
    },
  },
  {
    name: 'orderly-restart-keeps-everything',
    fixture: 'restarted',
    operations: ['alterOffsets', 'fetchOffsets'],
    async run(context) {
      const { client } = context
      const configs = { 'retention.ms': '3600000' }
      const topic = await newTopic(context, 'kept', 2, configs)
      const group = context.unique('group')
      const sent = numbered('before ', 0, 50, { partition: 1 })
      await produce(client, topic, sent, { codec: 'gzip' })
      await onceReady(context, () =>
        client.call('alterOffsets', { group, offsets: [{ topic, partition: 1, offset: 20 }] }),
      )
      const before = await client.call('describeTopic', { topic })
      await context.restartBroker('stop')
      const other = await context.startClient()
      await visible(context, topic, 2, other)
      const after = await other.call('describeTopic', { topic })
      assert.equal(after.topicId, before.topicId)
      const { entries } = await other.call('describeConfigs', { type: 'topic', name: topic })
      assert.equal(entries.find(({ name }) => name === 'retention.ms')?.value, '3600000')
      const { offsets } = await onceReady(context, () =>
        other.call('fetchOffsets', { group, partitions: [{ topic, partition: 1 }] }),
      )
      assert.equal(offsets[0]?.offset, 20)
      assert.equal((await readAll(other, topic, [1])).length, 50)
      assert.equal(await endOffset(other, topic, 0), 0)
      const { placed } = await produce(other, topic, numbered('after ', 0, 2, { partition: 1 }))
      assert.deepEqual(
        placed.map(({ offset }) => offset),
        [50, 51],
      )
    },
  },
]
