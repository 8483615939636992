import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'
import { leadersOf } from './cluster-load.ts'
import { succeed, tool } from './console-tools.ts'
import { newTopic } from './records.ts'

/** What Kafka's own tools say of a cluster that lacks a broker, and how they put it in order. */
export const clusterToolScenarios: readonly Scenario[] = [
  {
    name: 'cluster-tools',
    fixture: 'cluster',
    async run(context) {
      const { control } = context
      const topic = await newTopic(context, 'copied', 3, {}, 3)
      const single = await newTopic(context, 'single', 3, {}, 1)
      assert.deepEqual(await leadersOf(context, topic), [1, 2, 3])
      await control.change('kill', 1)
      const described = await succeed(context, 'TopicCommand', ['--describe', '--topic', topic])
      assert.match(described, /Partition: 0\tLeader: 2\tReplicas: 1,2,3\tIsr: 2,3/)
      const under = await succeed(context, 'TopicCommand', ['--describe', '--under-replicated-partitions'])
      assert.equal(under.split('\n').filter((line) => line.includes(`Topic: ${topic}`)).length, 3)
      const unavailable = await succeed(context, 'TopicCommand', ['--describe', '--unavailable-partitions'])
      const lines = unavailable.split('\n').filter((line) => line.includes(`Topic: ${single}`))
      assert.equal(lines.length, 1, unavailable)
      assert.match(lines[0] ?? '', /Partition: 0\tLeader: none\tReplicas: 1\tIsr: 1/)

      const gone = ['--topic', topic, '--partition', '0']
      const impossible = await tool(context, 'LeaderElectionCommand', ['--election-type', 'preferred', ...gone])
      assert.equal(impossible.code, 1, impossible.output)
      assert.match(
        impossible.output + impossible.errors,
        /PreferredLeaderNotAvailable|preferred leader was not available/i,
      )
      await control.change('start', 1)
      assert.deepEqual(await leadersOf(context, topic), [2, 2, 3], 'who took over stays')
      await succeed(context, 'LeaderElectionCommand', ['--election-type', 'preferred', '--all-topic-partitions'])
      assert.deepEqual(await leadersOf(context, topic), [1, 2, 3], 'the preferred replicas lead again')
      assert.equal((await succeed(context, 'TopicCommand', ['--describe', '--under-replicated-partitions'])).trim(), '')
      assert.equal((await succeed(context, 'TopicCommand', ['--describe', '--unavailable-partitions'])).trim(), '')
    },
  },
]
