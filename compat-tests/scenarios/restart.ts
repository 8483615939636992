import assert from 'node:assert/strict'
import type { CommittedOffset, CompatClient, ReceivedRecord } from '../client.ts'
import { eventually, sleep } from '../process.ts'
import { has, type Scenario, type ScenarioContext } from '../scenario.ts'
import { onceReady } from './coordinator.ts'
import { balanced, Member, partitionNames } from './membership.ts'
import { decoded, endOffset, newTopic, numbered, produce, readAll, record, visible } from './records.ts'

interface Acknowledged {
  value: string
  offset: number
}

/** Produces small requests one after the other until told to stop, and keeps what was acknowledged. */
class Load {
  readonly partition: number
  readonly idempotent: boolean
  readonly acknowledged: Acknowledged[] = []
  failures = 0
  #stopped = false
  #done: Promise<void> | undefined

  constructor(partition: number, idempotent: boolean) {
    this.partition = partition
    this.idempotent = idempotent
  }

  start(client: CompatClient, topic: string): void {
    this.#done = this.#run(client, topic)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(client: CompatClient, topic: string): Promise<void> {
    for (let request = 0; !this.#stopped; request++) {
      const values = Array.from({ length: 5 }, (_, index) => `${this.partition}/${request * 5 + index}`)
      const records = values.map((value) => record(value, { partition: this.partition }))
      const options = { idempotent: this.idempotent, timeoutMs: 60_000 }
      const answer = await produce(client, topic, records, options).catch(() => undefined)
      if (answer === undefined) this.failures++
      for (const [index, { offset }] of (answer?.placed ?? []).entries()) {
        this.acknowledged.push({ value: values[index] ?? '', offset })
      }
      await sleep(20)
    }
  }

  async reached(count: number): Promise<void> {
    await eventually(`${count} records acknowledged in partition ${this.partition}`, 90_000, async () =>
      this.acknowledged.length >= count ? true : undefined,
    )
  }
}

function assertNothingLost(load: Load, stored: readonly ReceivedRecord[]): void {
  const byOffset = new Map(stored.map(({ offset, value }) => [offset, decoded(value)]))
  for (const { value, offset } of load.acknowledged) {
    assert.equal(byOffset.get(offset), value, `acknowledged at offset ${offset} of partition ${load.partition}`)
  }
  if (!load.idempotent) return
  const values = stored.map(({ value }) => decoded(value))
  assert.equal(
    new Set(values).size,
    values.length,
    `partition ${load.partition}: an idempotent producer writes nothing twice`,
  )
}

/** Commits what was received again and again; gives the highest offsets that were acknowledged. */
class Committer {
  readonly acknowledged = new Map<string, number>()
  #stopped = false
  #done: Promise<void> | undefined

  start(member: Member): void {
    this.#done = this.#run(member)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(member: Member): Promise<void> {
    while (!this.#stopped) {
      await member.refresh()
      const positions = new Map<string, { topic: string; partition: number; offset: number }>()
      for (const { topic, partition, offset } of member.received) {
        const name = `${topic}-${partition}`
        if (offset >= (positions.get(name)?.offset ?? 0)) positions.set(name, { topic, partition, offset: offset + 1 })
      }
      const owned = new Set(partitionNames(member.assignment))
      const offsets = [...positions]
        .filter(([name]) => owned.has(name))
        .map(([, each]) => ({ ...each, metadata: null }))
      // While the broker is away or the group rebalances a commit fails; only what was acknowledged counts.
      const done = offsets.length > 0 && (await commitQuietly(member, offsets))
      if (done)
        for (const { topic, partition, offset } of offsets) this.acknowledged.set(`${topic}-${partition}`, offset)
      await sleep(150)
    }
  }
}

async function commitQuietly(member: Member, offsets: CommittedOffset[]): Promise<boolean> {
  return member.client.call('commit', { member: member.name, offsets }).then(
    () => true,
    () => false,
  )
}

async function assertCommitsKept(
  context: ScenarioContext,
  group: string,
  topic: string,
  acknowledged: ReadonlyMap<string, number>,
) {
  const partitions = [0, 1, 2].map((partition) => ({ topic, partition }))
  const { offsets } = await onceReady(context, () => context.client.call('fetchOffsets', { group, partitions }))
  for (const { partition, offset } of offsets) {
    const least = acknowledged.get(`${topic}-${partition}`) ?? -1
    assert.ok(offset >= least, `committed offset of partition ${partition} went back from ${least} to ${offset}`)
  }
}

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
      const failed = loads.reduce((sum, { failures }) => sum + failures, 0)
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

/** The member, which lived through it all, sees every record that was acknowledged. */
async function consumedAll(member: Member, loads: readonly Load[]): Promise<void> {
  const wanted = loads.flatMap((load) => load.acknowledged.map(({ value }) => value))
  let missing: string[] = wanted
  await eventually('the member has received what was acknowledged', 60_000, async () => {
    const seen = new Set(member.received.map(({ value }) => decoded(value)))
    missing = wanted.filter((value) => !seen.has(value))
    return missing.length === 0 ? true : undefined
  }).catch((error) => {
    throw new Error(
      `${error.message}: ${missing.length} of ${wanted.length} missing, e.g. ${missing.slice(0, 3).join(' ')}`,
    )
  })
}
