import { Writer } from '../../protocol/codec/writer.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Client, ConnectionLost } from './client.ts'
import { Fetcher, nameOf, type Reading } from './fetcher.ts'
import type { GroupLedger } from './group-ledger.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

export interface MemberOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** A static member keeps its place while it is away (KIP-345). */
  readonly instanceId: string | null
}

const FETCH_BYTES = 20_000
const STATIC_VERSIONS = { join: 5, sync: 3, heartbeat: 3, commit: 7, leave: 3 }
const TOPIC_IDS_VERSION = 10
const GROUPS_VERSION = 8
const LEAVE_LIST_VERSION = 3
/** Errors of a member that has to begin again: with a new id, or with the one it has. */
const UNKNOWN: readonly number[] = [ErrorCode.UNKNOWN_MEMBER_ID]
const REJOIN: readonly number[] = [ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.ILLEGAL_GENERATION]
const ELSEWHERE: readonly number[] = [
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
]

/** It must join again, or is not wanted any more. */
class Expelled extends Error {}
class Fenced extends Error {}

/** A member of a consumer group: joins, assigns when it leads, reads what it owns, commits, and leaves in several ways. */
export class Member {
  readonly client: Client
  readonly #fetcher: Fetcher
  readonly #world: World
  readonly #random: SimulatedRandom
  readonly #options: MemberOptions
  readonly #group: GroupLedger
  readonly #ownSessionTimeoutMs: number
  #memberId = ''
  #generation = -1
  #protocol = ''
  #isOver = false
  #heartbeatMs = 0
  /** What it held when it had to join again: a commit of it may still be on its way. */
  #before: { readonly generation: number; readonly readings: readonly Reading[] } | null = null

  constructor(world: World, name: string, options: MemberOptions) {
    this.#world = world
    this.#random = world.fork()
    this.#options = options
    this.#group = world.group(options.group)
    this.client = new Client(world, name, this.#random)
    if (options.instanceId !== null) {
      for (const [api, version] of [
        [JoinGroup, STATIC_VERSIONS.join],
        [SyncGroup, STATIC_VERSIONS.sync],
        [Heartbeat, STATIC_VERSIONS.heartbeat],
        [OffsetCommit, STATIC_VERSIONS.commit],
        [LeaveGroup, STATIC_VERSIONS.leave],
      ] as const) {
        this.client.versionOf(api, version)
      }
    }
    this.#fetcher = new Fetcher(world, this.client, this.#random, this.#random.below(2) === 0, FETCH_BYTES)
    this.#ownSessionTimeoutMs = 1500 + this.#random.below(6000)
  }

  /** At the end everybody waits: over a slow network one round of reading may take longer than a short session. */
  get #sessionTimeoutMs(): number {
    return this.#world.isEnding ? 60_000 : this.#ownSessionTimeoutMs
  }

  /** Lives until it leaves, dies, or all is read; then somebody may take its place. */
  async run(): Promise<void> {
    const livesMs = 5000 + this.#random.below(60_000)
    const endMs = this.#world.clock.monotonicMs() + livesMs
    while (!this.#isOver) {
      if (this.#world.isEnding ? this.#isDone() : this.#world.clock.monotonicMs() > endMs) {
        await this.#end()
        return
      }
      try {
        if (this.#generation < 0) await this.#join()
        else await this.#live()
      } catch (error) {
        await this.#recover(error)
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (error instanceof Fenced) {
      this.#world.trace.note(this.client.name, 'is fenced')
      this.#isOver = true
      this.client.close()
    } else if (error instanceof Expelled) {
      this.#before = this.#held()
      this.#generation = -1
    } else if (error instanceof ConnectionLost) {
      this.#fetcher.forgetSession()
    } else throw error
    await this.#world.clock.sleep(20 + this.#random.below(300))
  }

  #isDone(): boolean {
    if (!this.#world.isDrained || this.#generation < 0 || this.#generation < this.#group.generation) return false
    return this.#fetcher.readings.every(({ topic, partition, position }) => {
      const end = this.#world.endOffset(topic, partition)
      return end >= 0 && position >= end
    })
  }

  async #end(): Promise<void> {
    const how = this.#world.isEnding ? 0 : this.#random.below(3)
    this.#world.trace.note(this.client.name, ['leaves', 'closes', 'vanishes'][how]!)
    this.#isOver = true
    if (how === 2) return this.client.vanish()
    try {
      if (this.#generation >= 0) await this.#commit()
      if (how === 0 && this.#memberId !== '') await this.#leave()
    } catch (error) {
      if (!(error instanceof ConnectionLost) && !(error instanceof Expelled) && !(error instanceof Fenced)) throw error
    }
    this.client.close()
  }

  async #join(): Promise<void> {
    this.#before ??= this.#held()
    this.#fetcher.clear()
    const { group, instanceId } = this.#options
    const floor = this.#group.generation
    const rebalanceTimeoutMs = 3000 + this.#random.below(6000)
    const answer = await this.client.call(
      JoinGroup,
      {
        groupId: group,
        sessionTimeoutMs: this.#sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        groupInstanceId: instanceId,
        protocolType: 'consumer',
        protocols: [
          { name: 'range', metadata: subscription(this.#options.topics) },
          { name: 'roundrobin', metadata: subscription(this.#options.topics) },
        ],
      },
      60_000,
    )
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId
      return
    }
    this.#obey('JoinGroup', answer.errorCode)
    this.#memberId = answer.memberId
    const leader = this.#options.instanceId === null ? answer.leader : ''
    this.#group.joined(this.#owner, answer.generationId, leader, floor, this.client.coordinatorLife)
    this.#protocol = answer.protocolName ?? ''
    this.#world.trace.note(this.client.name, `joined ${group} ${answer.generationId}, ${answer.members.length} members`)
    const isLeader = answer.leader === this.#memberId && !answer.skipAssignment
    const assignments = isLeader ? this.#assign(answer.members.map(({ memberId }) => memberId)) : []
    await this.#sync(answer.generationId, assignments)
  }

  #assign(memberIds: readonly string[]) {
    if (new Set(memberIds).size !== memberIds.length)
      throw new Violation(`${this.client.name}: a member is there twice`)
    const partitions = this.#options.topics.flatMap((topic) =>
      Array.from({ length: this.#world.topics.get(topic).partitions }, (_, index) => `${topic}-${index}`),
    )
    return memberIds.map((memberId, at) => {
      const own = partitions.filter((_, index) => index % memberIds.length === at)
      return { memberId, assignment: Buffer.from(JSON.stringify(own)) }
    })
  }

  async #sync(generationId: number, assignments: readonly { memberId: string; assignment: Buffer }[]): Promise<void> {
    const answer = await this.client.call(SyncGroup, {
      groupId: this.#options.group,
      generationId,
      memberId: this.#memberId,
      groupInstanceId: this.#options.instanceId,
      protocolType: 'consumer',
      protocolName: this.#protocol,
      assignments,
    })
    this.#obey('SyncGroup', answer.errorCode)
    const partitions: string[] = answer.assignment.length === 0 ? [] : JSON.parse(answer.assignment.toString())
    this.#group.assigned(this.#owner, generationId, partitions)
    this.#generation = generationId
    this.#heartbeatMs = this.#world.clock.monotonicMs()
    this.#world.trace.note(this.client.name, `owns ${partitions.join(' ') || 'nothing'} in ${generationId}`)
    for (const partition of partitions) {
      const dash = partition.lastIndexOf('-')
      this.#fetcher.add(partition.slice(0, dash), Number(partition.slice(dash + 1)), -1)
    }
    await this.#commitLate()
    await this.#fetchOffsets()
  }

  /** Heartbeats, reads and commits, one round. */
  async #live(): Promise<void> {
    const { clock } = this.#world
    if (this.#fetcher.readings.some(({ position }) => position === -2)) await this.#fetchOffsets()
    if (clock.monotonicMs() - this.#heartbeatMs > this.#ownSessionTimeoutMs / 4) await this.#heartbeat()
    await this.#fetcher.reset()
    if (this.#fetcher.readings.length > 0) await this.#fetcher.fetch(this.#random.below(300))
    if (this.#random.below(6) === 0) await this.#commit()
    await clock.sleep(this.#random.below(150))
  }

  async #heartbeat(): Promise<void> {
    this.#heartbeatMs = this.#world.clock.monotonicMs()
    const answer = await this.client.call(Heartbeat, {
      groupId: this.#options.group,
      generationId: this.#generation,
      memberId: this.#memberId,
      groupInstanceId: this.#options.instanceId,
    })
    this.#obey('Heartbeat', answer.errorCode)
  }

  #held() {
    const readings = this.#fetcher.readings.filter(({ position }) => position >= 0).map((reading) => ({ ...reading }))
    return this.#generation < 0 || readings.length === 0 ? null : { generation: this.#generation, readings }
  }

  /** A commit from before the rebalance arrives after it: it must not be taken. */
  async #commitLate(): Promise<void> {
    const before = this.#before
    this.#before = null
    if (before === null || before.generation >= this.#generation || this.#random.below(2) === 0) return
    try {
      await this.#commit(before.generation, before.readings)
    } catch (error) {
      if (!(error instanceof Expelled)) throw error
    }
  }

  async #commit(
    generation = this.#generation,
    readings: readonly Reading[] = this.#fetcher.readings.filter(({ position }) => position >= 0),
  ): Promise<void> {
    if (readings.length === 0) return
    const floor = this.#group.generation
    const commits = readings.map((reading) => ({
      reading,
      commit: this.#group.commits(nameOf(reading), reading.position, generation),
    }))
    try {
      const answer = await this.client.call(OffsetCommit, {
        groupId: this.#options.group,
        generationIdOrMemberEpoch: generation,
        memberId: this.#memberId,
        groupInstanceId: this.#options.instanceId,
        topics: [...new Set(readings.map(({ topic }) => topic))].map((name) => ({
          name,
          topicId: this.#world.topics.get(name).id!,
          partitions: readings
            .filter(({ topic }) => topic === name)
            .map(({ partition, position }) => ({
              partitionIndex: partition,
              committedOffset: position,
              committedMetadata: null,
            })),
        })),
      })
      const errors = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
      if (errors.length !== readings.length) throw new Violation(`${this.client.name}: not every commit was answered`)
      for (const { reading, commit } of commits) {
        if (errors[0] === ErrorCode.NONE) this.#group.stored(nameOf(reading), commit, floor)
        else if (isCertain(errors[0]!)) this.#group.refused(commit)
        else this.#group.lost(commit)
      }
      this.#obey('OffsetCommit', errors[0]!)
    } catch (error) {
      if (error instanceof ConnectionLost) for (const { commit } of commits) this.#group.lost(commit)
      throw error
    }
  }

  async #fetchOffsets(): Promise<void> {
    const readings = this.#fetcher.readings
    // Asked again when no answer comes.
    for (const reading of readings) reading.position = -2
    if (readings.length === 0) return
    const before = new Map(readings.map((reading) => [reading, this.#group.possible(nameOf(reading))]))
    const topics = [...new Set(readings.map(({ topic }) => topic))].map((name) => ({
      name,
      topicId: this.#world.topics.get(name).id!,
      partitionIndexes: readings.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    }))
    const { group } = this.#options
    const version = this.client.versionOf(OffsetFetch)
    const isList = version >= GROUPS_VERSION
    const answer = await this.client.call(OffsetFetch, {
      groupId: isList ? '' : group,
      topics: isList ? [] : topics.map(({ name, partitionIndexes }) => ({ name, partitionIndexes })),
      groups: isList ? [{ groupId: group, topics }] : [],
    })
    const own = isList ? answer.groups[0]! : answer
    this.#obey('OffsetFetch', own.errorCode)
    for (const reading of readings) {
      const { topic, partition } = reading
      const found = own.topics
        .find(
          (one) =>
            one.name === topic ||
            (version >= TOPIC_IDS_VERSION && 'topicId' in one && one.topicId === this.#world.topics.get(topic).id),
        )
        ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
      if (found === undefined) throw new Violation(`${this.client.name}: no committed offset for ${nameOf(reading)}`)
      this.#obey('OffsetFetch', found.errorCode)
      this.#group.fetched(nameOf(reading), found.committedOffset, before.get(reading)!)
      reading.position = found.committedOffset
      // It may have been committed before a power cut took records back.
      reading.cuts = -1
    }
  }

  async #leave(): Promise<void> {
    const { group, instanceId } = this.#options
    const member = { memberId: this.#memberId, groupInstanceId: instanceId }
    const isList = this.client.versionOf(LeaveGroup) >= LEAVE_LIST_VERSION
    const answer = await this.client.call(LeaveGroup, {
      groupId: group,
      memberId: isList ? '' : this.#memberId,
      members: isList ? [member] : [],
    })
    this.#obey('LeaveGroup', answer.errorCode || (answer.members[0]?.errorCode ?? ErrorCode.NONE))
  }

  get #owner(): string {
    return this.#options.instanceId ?? this.#memberId
  }

  /** Throws what makes the member do as the error says. */
  #obey(what: string, error: number): void {
    if (error === ErrorCode.NONE) return
    this.#world.trace.note(this.client.name, `${what}: error ${error}`)
    if (UNKNOWN.includes(error)) {
      this.#memberId = ''
      throw new Expelled()
    }
    if (REJOIN.includes(error)) throw new Expelled()
    if (error === ErrorCode.FENCED_INSTANCE_ID && this.#options.instanceId !== null) throw new Fenced()
    this.#world.checkError(this.client, what, error, ...ELSEWHERE)
    throw new ConnectionLost(`${what}: error ${error}`)
  }
}

/** Nothing was stored, and nothing will be. */
function isCertain(error: number): boolean {
  return UNKNOWN.includes(error) || REJOIN.includes(error) || error === ErrorCode.FENCED_INSTANCE_ID
}

/** Version 0 of the embedded consumer protocol. */
function subscription(topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(0)
  writer.int32(topics.length)
  for (const topic of topics) writer.string(topic)
  writer.int32(-1)
  return writer.bytes()
}
