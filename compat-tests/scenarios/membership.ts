import assert from 'node:assert/strict'
import type {
  CompatClient,
  JoinRequest,
  MemberNews,
  OwnershipEvent,
  ReceivedRecord,
  TopicPartition,
} from '../client.ts'
import { eventually, sleep } from '../process.ts'

/** The least a broker allows by default (group.min.session.timeout.ms). */
export const SESSION_TIMEOUT_MS = 6_000

/** A member of a group in a client process, with all it has received and owned so far. */
export class Member {
  readonly name: string
  readonly client: CompatClient
  readonly received: ReceivedRecord[] = []
  readonly events: OwnershipEvent[] = []
  assignment: TopicPartition[] = []

  private constructor(name: string, client: CompatClient) {
    this.name = name
    this.client = client
  }

  static async join(
    client: CompatClient,
    name: string,
    request: Pick<JoinRequest, 'group' | 'topics'> & Partial<JoinRequest>,
  ): Promise<Member> {
    const defaults = {
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      reset: 'earliest',
      assignor: 'eager',
      instanceId: null,
    } as const
    await client.call('join', { member: name, ...defaults, ...request })
    return new Member(name, client)
  }

  async refresh(): Promise<MemberNews> {
    const news = await this.client.call('news', { member: this.name })
    this.received.push(...news.records)
    this.events.push(...news.events)
    this.assignment = news.assignment
    if (news.failure !== null) throw new Error(`member ${this.name} failed: ${news.failure}`)
    return news
  }

  /** Commits the position after the last record received in each partition it owns. */
  async commitReceived(metadata: string | null = null): Promise<void> {
    const offsets = this.assignment.flatMap(({ topic, partition }) => {
      const own = this.received.filter((each) => each.topic === topic && each.partition === partition)
      const last = Math.max(-1, ...own.map(({ offset }) => offset))
      return last < 0 ? [] : [{ topic, partition, offset: last + 1, metadata }]
    })
    if (offsets.length > 0) await this.client.call('commit', { member: this.name, offsets })
  }

  async leave(): Promise<void> {
    await this.client.call('leave', { member: this.name })
  }
}

export function partitionNames(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`).sort()
}

/** Waits until the members together own exactly these partitions, each with a share unless there are too few. */
export async function balanced(
  members: readonly Member[],
  partitions: readonly TopicPartition[],
  timeoutMs = 40_000,
): Promise<void> {
  const wanted = partitionNames(partitions).join()
  const probe = async () => {
    for (const member of members) await member.refresh()
    const owned = partitionNames(members.flatMap(({ assignment }) => assignment)).join()
    const shared = members.length > partitions.length || members.every(({ assignment }) => assignment.length > 0)
    return owned === wanted && shared ? true : undefined
  }
  await eventually('the members own all partitions, each once', timeoutMs, probe).catch((error) => {
    const state = members.map(({ name, assignment }) => `${name}: ${partitionNames(assignment).join(' ') || 'nothing'}`)
    throw new Error(`${error.message} (${state.join('; ')})`)
  })
}

/** Waits until the members together have received at least these values. */
export async function receivedAll(
  members: readonly Member[],
  values: readonly string[],
  timeoutMs = 40_000,
): Promise<void> {
  let missing = values
  await eventually('all records received', timeoutMs, async () => {
    for (const member of members) await member.refresh()
    const seen = new Set(members.flatMap(({ received }) => received.map(({ value }) => value)))
    missing = values.filter((value) => !seen.has(Buffer.from(value).toString('base64')))
    return missing.length === 0 ? true : undefined
  }).catch((error) => {
    throw new Error(
      `${error.message}; ${missing.length} of ${values.length} missing, e.g. ${missing.slice(0, 3).join(', ')}`,
    )
  })
}

/** Lets a moment pass in which anything that comes twice would come. */
export async function assertReceivedOnce(members: readonly Member[], values: readonly string[]): Promise<void> {
  await sleep(300)
  for (const member of members) await member.refresh()
  const deliveries = new Map<string | null, string[]>()
  for (const { name, received } of members) {
    for (const { value, partition, offset } of received) {
      deliveries.set(value, [...(deliveries.get(value) ?? []), `by ${name} at ${partition}:${offset}`])
    }
  }
  for (const value of values) {
    const found = deliveries.get(Buffer.from(value).toString('base64')) ?? []
    assert.equal(found.length, 1, `"${value}" was received ${found.join(', ')}`)
  }
}

interface Ownership {
  owner: string
  fromMs: number
  untilMs: number
}

/** Asserts that at no time two members owned the same partition. A member that was killed owned nothing after endMs. */
export function assertNeverOwnedTwice(members: readonly { member: Member; endMs: number }[]): void {
  const byPartition = new Map<string, Ownership[]>()
  for (const { member, endMs } of members) {
    for (const [name, spans] of ownerships(member, endMs))
      byPartition.set(name, [...(byPartition.get(name) ?? []), ...spans])
  }
  for (const [name, spans] of byPartition) {
    spans.sort((a, b) => a.fromMs - b.fromMs)
    for (const [index, span] of spans.entries()) {
      const next = spans[index + 1]
      if (next === undefined || next.owner === span.owner) continue
      assert.ok(
        span.untilMs <= next.fromMs,
        `${name} was given to ${next.owner} ${span.untilMs - next.fromMs} ms before ${span.owner} gave it up`,
      )
    }
  }
}

function ownerships(member: Member, endMs: number): Map<string, Ownership[]> {
  const spans = new Map<string, Ownership[]>()
  for (const event of member.events) {
    for (const name of partitionNames(event.partitions)) {
      const own = spans.get(name) ?? []
      const open = own.at(-1)
      if (event.kind === 'revoked') {
        if (open !== undefined && open.untilMs === endMs) open.untilMs = event.atMs
      } else if (open === undefined || open.untilMs !== endMs) {
        own.push({ owner: member.name, fromMs: event.atMs, untilMs: endMs })
      }
      spans.set(name, own)
    }
  }
  return spans
}
