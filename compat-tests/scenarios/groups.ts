import assert from 'node:assert/strict'
import { sleep } from '../process.ts'
import { has, type Scenario, type ScenarioContext } from '../scenario.ts'
import {
  assertNeverOwnedTwice,
  assertReceivedOnce,
  balanced,
  Member,
  partitionNames,
  receivedAll,
} from './membership.ts'
import { allPartitions, decoded, newTopic, produce, record } from './records.ts'

const PARTITIONS = 4

/** Ten records for each partition; gives their values. */
async function produceRound(context: ScenarioContext, topic: string, round: string): Promise<string[]> {
  const values = Array.from({ length: PARTITIONS * 10 }, (_, index) => `${round} ${index}`)
  await produce(
    context.client,
    topic,
    values.map((value, index) => record(value, { partition: index % PARTITIONS })),
  )
  return values
}

/** A client that does not forget its fetches under way in a rebalance would receive from partitions of another. */
async function oldFetchesEnded({ client }: ScenarioContext): Promise<void> {
  if (!has(client, 'fences-fetches')) await sleep(500)
}

export const groupScenarios: Scenario[] = [
  {
    name: 'group-rebalance',
    fixture: 'shared',
    operations: ['join', 'news', 'commit', 'leave'],
    async run(context) {
      const topic = await newTopic(context, 'rebalance', PARTITIONS)
      const group = context.unique('group')
      const owned = allPartitions(topic, PARTITIONS)
      const a = await Member.join(context.client, 'a', { group, topics: [topic] })
      await balanced([a], owned)
      const alone = await produceRound(context, topic, 'alone')
      await receivedAll([a], alone)
      await a.commitReceived()

      const b = await Member.join(await context.startClient(), 'b', { group, topics: [topic] })
      await balanced([a, b], owned)
      await oldFetchesEnded(context)
      const together = await produceRound(context, topic, 'together')
      await receivedAll([a, b], together)
      await assertReceivedOnce([a, b], [...alone, ...together])
      await a.commitReceived()
      await b.commitReceived()

      await b.client.kill()
      const endOfB = Date.now()
      const afterDeath = await produceRound(context, topic, 'after a death')
      await balanced([a], owned)
      await receivedAll([a], afterDeath)
      await a.commitReceived()

      const c = await Member.join(await context.startClient(), 'c', { group, topics: [topic] })
      await balanced([a, c], owned)
      await oldFetchesEnded(context)
      const withC = await produceRound(context, topic, 'with c')
      await receivedAll([a, c], withC)
      await assertReceivedOnce([a, c], withC)
      await a.commitReceived()
      await c.commitReceived()
      await c.refresh()
      await c.leave()
      await balanced([a], owned)
      await c.refresh()
      const afterLeave = await produceRound(context, topic, 'after c left')
      await receivedAll([a], afterLeave)
      const end = Date.now()
      assertNeverOwnedTwice([
        { member: a, endMs: end },
        { member: b, endMs: endOfB },
        { member: c, endMs: end },
      ])
      await a.leave()
    },
  },
  {
    name: 'group-commit-and-resume',
    fixture: 'shared',
    operations: ['join', 'news', 'commit', 'leave', 'fetchOffsets'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'resume', PARTITIONS)
      const group = context.unique('group')
      const first = await Member.join(client, 'first', { group, topics: [topic] })
      await receivedAll([first], await produceRound(context, topic, 'one'))
      await first.commitReceived('a note')
      const { offsets } = await client.call('fetchOffsets', { group, partitions: allPartitions(topic, PARTITIONS) })
      const notes = client.greeting.missingFeatures['commit-metadata'] === undefined
      for (const { offset, metadata } of offsets) {
        assert.equal(offset, 10)
        if (notes) assert.equal(metadata, 'a note')
      }
      await first.leave()
      const more = await produceRound(context, topic, 'two')
      const second = await Member.join(client, 'second', { group, topics: [topic] })
      await receivedAll([second], more)
      await assertReceivedOnce([second], more)
      const old = second.received.filter(({ value }) => decoded(value)?.startsWith('one'))
      assert.equal(old.length, 0, 'what was committed does not come again')
      await second.leave()
    },
  },
  {
    name: 'group-starts-at-latest',
    fixture: 'shared',
    operations: ['join', 'news', 'leave'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'latest', PARTITIONS)
      await produceRound(context, topic, 'before')
      const member = await Member.join(client, 'late', {
        group: context.unique('group'),
        topics: [topic],
        reset: 'latest',
      })
      await balanced([member], allPartitions(topic, PARTITIONS))
      // A member looks up where the log ends after it learned what it owns.
      await sleep(1_500)
      const after = await produceRound(context, topic, 'after')
      await receivedAll([member], after)
      assert.equal(member.received.length, after.length)
      await member.leave()
    },
  },
  {
    name: 'group-of-several-topics',
    fixture: 'shared',
    operations: ['join', 'news', 'leave'],
    async run(context) {
      const { client } = context
      const topics = [await newTopic(context, 'left', 2), await newTopic(context, 'right', 3)]
      const member = await Member.join(client, 'both', { group: context.unique('group'), topics })
      await balanced([member], [...allPartitions(topics[0] ?? '', 2), ...allPartitions(topics[1] ?? '', 3)])
      for (const topic of topics) await produce(client, topic, [record(`in ${topic}`)])
      await receivedAll(
        [member],
        topics.map((topic) => `in ${topic}`),
      )
      await member.leave()
    },
  },
  {
    name: 'committed-offset-out-of-range',
    fixture: 'shared',
    operations: ['join', 'news', 'commit', 'leave', 'deleteRecords'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'out-of-range')
      const group = context.unique('group')
      await produce(
        client,
        topic,
        Array.from({ length: 10 }, (_, index) => record(`r${index}`)),
      )
      const first = await Member.join(client, 'first', { group, topics: [topic] })
      await balanced([first], [{ topic, partition: 0 }])
      await first.client.call('commit', {
        member: 'first',
        offsets: [{ topic, partition: 0, offset: 2, metadata: null }],
      })
      await first.leave()
      await client.call('deleteRecords', { topic, partition: 0, offset: 6 })
      const second = await Member.join(client, 'second', { group, topics: [topic] })
      await receivedAll([second], ['r6', 'r7', 'r8', 'r9'])
      assert.deepEqual(
        second.received.map(({ offset }) => offset),
        [6, 7, 8, 9],
      )
      await second.leave()
    },
  },
  {
    name: 'static-member-comes-back',
    fixture: 'shared',
    operations: ['join', 'news', 'commit'],
    features: ['static-membership'],
    async run(context) {
      const topic = await newTopic(context, 'static', PARTITIONS)
      const group = context.unique('group')
      const request = { group, topics: [topic], sessionTimeoutMs: 30_000 }
      const owned = allPartitions(topic, PARTITIONS)
      const a = await Member.join(context.client, 'a', { ...request, instanceId: 'instance-a' })
      await balanced([a], owned)
      const b = await Member.join(await context.startClient(), 'b', { ...request, instanceId: 'instance-b' })
      await balanced([a, b], owned)
      const before = partitionNames(b.assignment)
      const eventsOfA = a.events.length
      await b.client.kill()
      const again = await Member.join(await context.startClient(), 'b', { ...request, instanceId: 'instance-b' })
      await balanced([a, again], owned)
      assert.deepEqual(partitionNames(again.assignment), before, 'the same partitions')
      const values = await produceRound(context, topic, 'after the return')
      await receivedAll([a, again], values)
      assert.equal(a.events.length, eventsOfA, 'the other member saw no rebalance')
    },
  },
  {
    name: 'cooperative-rebalance',
    fixture: 'shared',
    operations: ['join', 'news', 'commit', 'leave'],
    features: ['cooperative-sticky'],
    async run(context) {
      const topic = await newTopic(context, 'cooperative', PARTITIONS)
      const group = context.unique('group')
      const request = { group, topics: [topic], assignor: 'cooperative-sticky' as const }
      const owned = allPartitions(topic, PARTITIONS)
      const a = await Member.join(context.client, 'a', request)
      await balanced([a], owned)
      await receivedAll([a], await produceRound(context, topic, 'alone'))
      await a.commitReceived()
      const b = await Member.join(await context.startClient(), 'b', request)
      await balanced([a, b], owned)
      const given = a.events.filter(({ kind }) => kind === 'revoked').flatMap(({ partitions }) => partitions)
      assert.equal(given.length, PARTITIONS / 2, 'only what moves is given up')
      const together = await produceRound(context, topic, 'together')
      await receivedAll([a, b], together)
      await assertReceivedOnce([a, b], together)
      const end = Date.now()
      assertNeverOwnedTwice([
        { member: a, endMs: end },
        { member: b, endMs: end },
      ])
      await b.leave()
      await balanced([a], owned)
      await a.leave()
    },
  },
]
