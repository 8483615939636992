import assert from 'node:assert/strict'
import { eventually } from '../process.ts'
import { has, type ScenarioContext } from '../scenario.ts'
import { assertCommitsKept, assertNothingLost, Committer, consumedAll, Load } from './load.ts'
import { balanced, Member } from './membership.ts'
import { allPartitions, newTopic, readAll } from './records.ts'

export const BROKER_IDS = [1, 2, 3]
const PARTITIONS = 3
/** Records of each partition that must be acknowledged between two disturbances: proof that all goes on. */
const STEP = 25

/** Producers for every partition of a topic, and a group that reads it and commits. */
export class ClusterLoad {
  readonly context: ScenarioContext
  readonly topic: string
  readonly group: string
  readonly loads: readonly Load[]
  readonly member: Member
  readonly committer = new Committer()

  private constructor(context: ScenarioContext, topic: string, group: string, loads: readonly Load[], member: Member) {
    this.context = context
    this.topic = topic
    this.group = group
    this.loads = loads
    this.member = member
  }

  /** Resolves when records are acknowledged in every partition and an offset is committed. */
  static async start(context: ScenarioContext, prefix: string, replicationFactor = 3): Promise<ClusterLoad> {
    const { client } = context
    const topic = await newTopic(context, prefix, PARTITIONS, {}, replicationFactor)
    const group = context.unique('group')
    const idempotent = has(client, 'idempotent')
    const loads = Array.from({ length: PARTITIONS }, (_, partition) => new Load(partition, idempotent))
    const member = await Member.join(client, context.unique('m'), { group, topics: [topic], sessionTimeoutMs: 10_000 })
    await balanced([member], allPartitions(topic, PARTITIONS))
    const load = new ClusterLoad(context, topic, group, loads, member)
    for (const one of loads) one.start(client, topic)
    load.committer.start(member)
    await load.goesOn()
    await eventually('a commit was acknowledged', 30_000, async () => (load.committed > 0 ? true : undefined))
    return load
  }

  get committed(): number {
    return this.committer.commits
  }

  get acknowledged(): number {
    return this.loads.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  }

  /** Records are acknowledged in each of the partitions, and read by the member. */
  async goesOn(partitions: readonly number[] = this.loads.map(({ partition }) => partition)): Promise<void> {
    const loads = this.loads.filter(({ partition }) => partitions.includes(partition))
    const counts = loads.map(({ acknowledged }) => acknowledged.length)
    for (const [index, load] of loads.entries()) await load.reached((counts[index] ?? 0) + STEP)
    await eventually('the member has received as many', 60_000, async () => {
      const seen = (partition: number) => this.member.received.filter((each) => each.partition === partition).length
      return loads.every(({ partition }, index) => seen(partition) >= (counts[index] ?? 0)) ? true : undefined
    })
  }

  /** The group's offsets are committed again. */
  async commitsGoOn(): Promise<void> {
    const before = this.committed
    await eventually('another commit was acknowledged', 60_000, async () =>
      this.committed > before ? true : undefined,
    )
  }

  async commitsKept(): Promise<void> {
    await assertCommitsKept(this.context, this.group, this.topic, new Map(this.committer.acknowledged))
  }

  /** Ends the producers and shows that what they were told is true; a failed request would be a disturbance they saw. */
  async finish({ failures = false } = {}): Promise<void> {
    await Promise.all(this.loads.map((load) => load.stop()))
    await consumedAll(this.member, this.loads)
    await this.commitsGoOn()
    await this.committer.stop()
    // Read by a process that knows nothing of the time before.
    const witness = await this.context.startClient()
    for (const load of this.loads) assertNothingLost(load, await readAll(witness, this.topic, [load.partition]))
    await this.commitsKept()
    const failed = this.loads.flatMap((load) => load.failures)
    if (failures && failed.length > 0) this.context.note(`${failed.length} requests failed, e.g. ${failed[0]}`)
    else assert.deepEqual(failed, [], 'no request fails')
  }

  /** Whatever happened: nothing runs on. */
  async end(): Promise<void> {
    await Promise.all([...this.loads.map((load) => load.stop()), this.committer.stop()])
    await this.member.leave().catch(() => {})
  }
}

/** Runs a load, lets it be disturbed, and shows that nothing was lost or doubled. */
export async function underLoad(
  context: ScenarioContext,
  prefix: string,
  disturb: (load: ClusterLoad) => Promise<void>,
  options: { failures?: boolean; replicationFactor?: number } = {},
): Promise<void> {
  const load = await ClusterLoad.start(context, prefix, options.replicationFactor ?? 3)
  try {
    await disturb(load)
    await load.finish(options)
  } finally {
    await context.control.heal()
    await load.end()
  }
}

/** Each partition's leader as a client is told. */
export async function leadersOf({ client }: ScenarioContext, topic: string): Promise<number[]> {
  const { partitions } = await client.call('describeTopic', { topic })
  return partitions.sort((a, b) => a.partition - b.partition).map(({ leader }) => leader)
}
