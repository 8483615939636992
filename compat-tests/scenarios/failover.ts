import assert from 'node:assert/strict'
import { ClientError } from '../client.ts'
import { eventually, sleep } from '../process.ts'
import { has, type Scenario, type ScenarioContext } from '../scenario.ts'
import { BROKER_IDS, ClusterLoad, leadersOf, underLoad } from './cluster-load.ts'
import { onceReady } from './coordinator.ts'
import { coordinatorOf, coordinators, GROUPS_TOPIC, partitionOf } from './coordinator-location.ts'
import { assertNothingLost, Load } from './load.ts'
import { decoded, endOffset, newTopic, numbered, produce, readAll } from './records.ts'

const OPERATIONS = ['join', 'news', 'commit', 'fetchOffsets'] as const
const NOT_ENOUGH_MS = 3_000
const LEADER_NOT_AVAILABLE = 5

function othersThan(id: number): number[] {
  return BROKER_IDS.filter((other) => other !== id)
}

/** Leaders, in-sync replicas, brokers and the controller as a client is told that one broker is away. */
async function assertSeenAsGone(context: ScenarioContext, topic: string, gone: number): Promise<void> {
  const { partitions } = await context.client.call('describeTopic', { topic })
  for (const { partition, leader, replicas, isr } of partitions) {
    assert.notEqual(leader, gone, `leader of partition ${partition}`)
    assert.ok(isr.includes(leader), `the leader of partition ${partition} is in sync`)
    assert.deepEqual([...replicas].sort(), BROKER_IDS, `replicas of partition ${partition}`)
    assert.deepEqual([...isr].sort(), othersThan(gone), `in-sync replicas of partition ${partition}`)
  }
  const { brokers, controllerId } = await context.client.call('describeCluster', {})
  const ids = brokers.map(({ id }) => id).sort()
  assert.deepEqual(ids, othersThan(gone), 'brokers of the cluster')
  assert.ok(ids.includes(controllerId), `the controller, ${controllerId}, is alive`)
}

async function assertAllInSync(context: ScenarioContext, topic: string): Promise<void> {
  const { partitions } = await context.client.call('describeTopic', { topic })
  for (const { partition, isr } of partitions) {
    assert.deepEqual([...isr].sort(), BROKER_IDS, `in-sync replicas of partition ${partition}`)
  }
}

/** Goes away, all goes on without it, and comes back. */
async function outage(
  load: ClusterLoad,
  victim: number,
  [leave, come]: readonly ['kill', 'start'] | readonly ['pause', 'resume'],
): Promise<void> {
  const { context, topic } = load
  const { control } = context
  await control.change(leave, victim)
  await eventually(`nothing is led by broker ${victim}`, 60_000, async () => {
    // A client that asks a silent broker first may have to wait before it asks another.
    const leaders = await leadersOf(context, topic).catch(() => [victim])
    return leaders.includes(victim) ? undefined : true
  })
  await eventually('the cluster is described without it', 60_000, async () => {
    const { brokers } = await context.client.call('describeCluster', {}).catch(() => ({ brokers: [] }))
    return brokers.length === BROKER_IDS.length - 1 ? true : undefined
  })
  await assertSeenAsGone(context, topic, victim)
  await load.goesOn()
  await load.commitsGoOn()
  await load.commitsKept()
  await control.change(come, victim)
  await assertAllInSync(context, topic)
  await load.goesOn()
  await load.commitsGoOn()
}

/** Nobody leads partition 0, and its only replica stays in sync; some clients give the error alone. */
async function assertWithoutLeader({ client }: ScenarioContext, topic: string, victim: number): Promise<void> {
  try {
    const { partitions } = await client.call('describeTopic', { topic })
    const offline = partitions.find(({ partition }) => partition === 0)
    assert.deepEqual([offline?.leader, offline?.isr], [-1, [victim]])
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== LEADER_NOT_AVAILABLE) throw error
  }
}

export const failoverScenarios: readonly Scenario[] = [
  {
    name: 'cluster-leader-moved',
    fixture: 'cluster',
    features: ['follows-moved-leaders'],
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'moved', async (load) => {
        for (let round = 1; round <= BROKER_IDS.length; round++) {
          const before = await leadersOf(context, load.topic)
          for (const [partition, leader] of before.entries()) {
            await context.control.moveLeader(load.topic, partition, (leader % BROKER_IDS.length) + 1)
          }
          const after = before.map((leader) => (leader % BROKER_IDS.length) + 1)
          assert.deepEqual(await leadersOf(context, load.topic), after, 'leaders after the move')
          await load.goesOn()
        }
      }),
  },
  {
    name: 'cluster-group-coordinator-moved',
    fixture: 'cluster',
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'sent-on', async (load) => {
        const partition = partitionOf(load.group, (await coordinators(context, GROUPS_TOPIC)).length)
        for (let round = 1; round <= BROKER_IDS.length; round++) {
          const now = await coordinatorOf(context, GROUPS_TOPIC, load.group)
          await context.control.moveLeader(GROUPS_TOPIC, partition, (now % BROKER_IDS.length) + 1)
          await load.commitsGoOn()
          await load.commitsKept()
          await load.goesOn()
        }
      }),
  },
  {
    name: 'cluster-broker-killed',
    fixture: 'cluster',
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'killed', async (load) => {
        const [victim] = await leadersOf(context, load.topic)
        await outage(load, victim ?? -1, ['kill', 'start'])
      }),
  },
  {
    name: 'cluster-coordinator-killed',
    fixture: 'cluster',
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'orphaned', async (load) => {
        const victim = await coordinatorOf(context, GROUPS_TOPIC, load.group)
        await outage(load, victim, ['kill', 'start'])
        assert.notEqual(
          await coordinatorOf(context, GROUPS_TOPIC, load.group),
          victim,
          'the group stays with who took it over',
        )
      }),
  },
  {
    name: 'cluster-each-broker-killed-in-turn',
    fixture: 'cluster',
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'rolling', async (load) => {
        for (const id of BROKER_IDS) {
          await context.control.change('kill', id)
          await load.goesOn()
          await context.control.change('start', id)
        }
        await load.commitsGoOn()
      }),
  },
  {
    name: 'cluster-broker-paused',
    fixture: 'cluster',
    features: ['leaves-silent-connections'],
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'paused', async (load) => {
        // Not the first: @platformatic/kafka asks the first broker it was told of for ever, as long as that accepts.
        const [, victim] = await leadersOf(context, load.topic)
        await outage(load, victim ?? -1, ['pause', 'resume'])
      }),
  },
  {
    name: 'cluster-broker-paused-for-a-moment',
    fixture: 'cluster',
    operations: OPERATIONS,
    run: (context) =>
      underLoad(context, 'dozing', async (load) => {
        const before = await leadersOf(context, load.topic)
        await context.control.change('pause', before[0] ?? -1)
        await sleep(1_500)
        await context.control.change('resume', before[0] ?? -1)
        await load.goesOn()
        assert.deepEqual(await leadersOf(context, load.topic), before, 'the leaders are those of before')
      }),
  },
  {
    name: 'cluster-too-few-in-sync',
    fixture: 'cluster',
    async run(context) {
      const { client, control } = context
      const topic = await newTopic(context, 'strict', 1, { 'min.insync.replicas': '3' }, 3)
      const load = new Load(0, false)
      load.start(client, topic)
      try {
        await load.reached(20)
        const [leader = -1] = await leadersOf(context, topic)
        await control.change('kill', othersThan(leader)[0] ?? -1)
        // What was on its way is acknowledged or not; from then on nothing is.
        await sleep(500)
        const before = await endOffset(client, topic, 0)
        await sleep(NOT_ENOUGH_MS)
        assert.equal(await endOffset(client, topic, 0), before, 'nothing is written while too few are in sync')
        await control.heal()
        await load.reached(load.acknowledged.length + 20)
      } finally {
        await control.heal()
        await load.stop()
      }
      assert.deepEqual(load.failures, [], 'the producer waits')
      assertNothingLost(load, await readAll(await context.startClient(), topic))
    },
  },
  {
    name: 'cluster-topic-created-while-a-broker-is-away',
    fixture: 'cluster',
    async run(context) {
      const { client, control } = context
      await control.change('kill', 2)
      const topic = await newTopic(context, 'short-handed', 3, {}, 3)
      await assertSeenAsGone(context, topic, 2)
      await produce(client, topic, numbered('a ', 0, 10, { partition: 1 }))
      await control.change('start', 2)
      await assertAllInSync(context, topic)
      assert.equal((await readAll(client, topic, [1])).length, 10)
    },
  },
  {
    name: 'cluster-reset',
    fixture: 'cluster',
    features: ['survives-recreated-topics'],
    operations: OPERATIONS,
    async run(context) {
      const { control } = context
      // One that knows no other topic: kafkajs fails as long as one that it ever used is gone.
      const client = await context.startClient()
      const load = await ClusterLoad.start({ ...context, client, control }, 'reset')
      try {
        await Promise.all(load.loads.map((each) => each.stop()))
        await load.committer.stop()
        await control.reset()
        const { names } = await client.call('listTopics', {})
        assert.deepEqual(
          names.filter((name) => name !== GROUPS_TOPIC),
          [],
          'no topic is left',
        )
        const shape = { partitions: 3, replicationFactor: 3, configs: {}, validateOnly: false }
        await client.call('createTopic', { name: load.topic, ...shape })
        await load.member.refresh()
        const seenBefore = load.member.received.length
        // The producers and the member of before, on the connections of before.
        const values = numbered('after ', 0, 10, { partition: 1 })
        const { placed } = await produce(client, load.topic, values, { timeoutMs: 60_000 })
        assert.equal(placed[0]?.offset, 0, 'the topic begins anew')
        await eventually('the member joins again and reads what is new', 60_000, async () => {
          await load.member.refresh()
          return load.member.received.length >= seenBefore + 10 ? true : undefined
        })
      } finally {
        await load.end()
      }
    },
  },
  {
    name: 'cluster-snapshot-restored',
    fixture: 'cluster',
    operations: ['alterOffsets', 'fetchOffsets'],
    async run(context) {
      const { control } = context
      // One that knows no topic which a reset has taken away: kafkajs would fail.
      const client = await context.startClient()
      const topic = await newTopic({ ...context, client }, 'kept', 1, {}, 3)
      const group = context.unique('group')
      const partitions = [{ topic, partition: 0 }]
      await produce(client, topic, numbered('kept ', 0, 10), { idempotent: false })
      await onceReady(context, () =>
        client.call('alterOffsets', { group, offsets: [{ topic, partition: 0, offset: 4 }] }),
      )
      const snapshot = await control.snapshot()
      for (let round = 0; round < 2; round++) {
        await produce(client, topic, numbered('lost ', 0, 5), { idempotent: false })
        await client.call('alterOffsets', { group, offsets: [{ topic, partition: 0, offset: 9 }] })
      }
      await control.restore(snapshot)
      // The first request of a client finds its connections dead.
      const { offsets } = await onceReady(context, () => client.call('fetchOffsets', { group, partitions }))
      assert.equal(offsets[0]?.offset, 4, 'the committed offset is that of the snapshot')
      const { placed } = await produce(client, topic, numbered('new ', 0, 1), { idempotent: false })
      assert.equal(placed[0]?.offset, 10, 'the topic goes on behind the snapshot')
      // Some clients tell whoever lists offsets that their epoch is an old one.
      assert.equal((await readAll(await context.startClient(), topic)).length, 11)
    },
  },
  {
    name: 'cluster-snapshot-restored-under-an-idempotent-producer',
    fixture: 'cluster',
    features: ['idempotent', 'recovers-lost-sequences'],
    async run(context) {
      const { client, control } = context
      const topic = await newTopic(context, 'rewound', 1, {}, 3)
      await produce(client, topic, numbered('kept ', 0, 10))
      const snapshot = await control.snapshot()
      for (let round = 0; round < 3; round++) await produce(client, topic, numbered(`lost ${round} `, 0, 5))
      await control.restore(snapshot)
      // The broker has forgotten the last sequences of the producer, as after an unclean election.
      const { placed } = await produce(client, topic, numbered('new ', 0, 5), { timeoutMs: 30_000 })
      assert.equal(placed[0]?.offset, 10, 'the topic goes on behind the snapshot')
      const values = (await readAll(client, topic)).map(({ value }) => decoded(value))
      assert.deepEqual(values.slice(10), ['new 0', 'new 1', 'new 2', 'new 3', 'new 4'])
    },
  },
  // Last: kafkajs asks for all topics that it ever heard of, and fails when one of them has no leader.
  {
    name: 'cluster-one-replica',
    fixture: 'cluster',
    operations: OPERATIONS,
    run: (context) =>
      underLoad(
        context,
        'single',
        async (load) => {
          const before = await leadersOf(context, load.topic)
          const [victim = -1] = before
          await context.control.change('kill', victim)
          await assertWithoutLeader(context, load.topic, victim)
          if (has(context.client, 'looks-past-missing-leaders')) await load.goesOn([1, 2])
          else await sleep(2_000)
          await context.control.change('start', victim)
          assert.deepEqual(await leadersOf(context, load.topic), before, 'it leads again')
          await load.goesOn()
        },
        { replicationFactor: 1, failures: !has(context.client, 'looks-past-missing-leaders') },
      ),
  },
]
