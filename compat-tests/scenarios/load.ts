import assert from 'node:assert/strict'
import type { CommittedOffset, CompatClient, ReceivedRecord } from '../client.ts'
import { eventually, sleep } from '../process.ts'
import type { ScenarioContext } from '../scenario.ts'
import { onceReady } from './coordinator.ts'
import { type Member, partitionNames } from './membership.ts'
import { decoded, produce, record } from './records.ts'

interface Acknowledged {
  value: string
  offset: number
}

/** Produces small requests one after the other until told to stop, and keeps what was acknowledged. */
export class Load {
  readonly partition: number
  readonly idempotent: boolean
  readonly acknowledged: Acknowledged[] = []
  /** What requests ended with at the client. */
  readonly failures: string[] = []
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
      const answer = await produce(client, topic, records, options).catch((error: unknown) => {
        this.failures.push(error instanceof Error ? error.message : String(error))
        return undefined
      })
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

export function assertNothingLost(load: Load, stored: readonly ReceivedRecord[]): void {
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
export class Committer {
  readonly acknowledged = new Map<string, number>()
  /** How many were acknowledged. */
  commits = 0
  #stopped = false
  #done: Promise<void> | undefined

  start(member: Member): void {
    this.#done = this.#run(member)
    // Told by stop(), and no unhandled rejection before.
    this.#done.catch(() => {})
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
      if (done) {
        this.commits++
        for (const { topic, partition, offset } of offsets) this.acknowledged.set(`${topic}-${partition}`, offset)
      }
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

/** Nobody is told of an older offset than one that was acknowledged. */
export async function assertCommitsKept(
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

/** The member, which lived through it all, sees every record that was acknowledged. */
export async function consumedAll(member: Member, loads: readonly Load[]): Promise<void> {
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
