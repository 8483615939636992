import { ErrorCode } from '../../protocol/errors.ts'
import type { ProducerIdentity, TransactionEnd } from '../../src/coordinator/coordinator-log.ts'
import type {
  DescribedGroup,
  HeartbeatCall,
  JoinGroupCall,
  JoinGroupResult,
  LeavingMember,
  OffsetCommitCall,
  OffsetToCommit,
  SyncGroupCall,
} from '../../src/coordinator/group/group-calls.ts'
import type { GroupConfig } from '../../src/coordinator/group/group-config.ts'
import { GroupMachine } from '../../src/coordinator/group/group-machine.ts'
import type { GroupNote, StateNote } from '../../src/coordinator/group/group-notes.ts'
import { type GroupRecord, groupRecordCodec } from '../../src/coordinator/group/group-records.ts'
import type { GroupCalls, GroupRequest, GroupResponse, GroupTimer } from '../../src/coordinator/group/group-scope.ts'
import type { Outcome, ShardEvent } from '../../src/coordinator/shard-machine.ts'

export const TEST_CONFIG: GroupConfig = {
  'group.min.session.timeout.ms': 6000,
  'group.max.session.timeout.ms': 1_800_000,
  'group.initial.rebalance.delay.ms': 0,
  'group.max.size': 0x7fffffff,
  'offset.metadata.max.bytes': 4096,
  'offsets.retention.minutes': 10080,
  'offsets.retention.check.interval.ms': 600_000,
}

export const TOPIC_ID = 'dG9waWNpZG9mYXRlc3R0bw'
export const SESSION_MS = 10_000
export const REBALANCE_MS = 60_000

/** Metadata of the embedded consumer protocol, version 1, with nothing owned. */
export function subscription(...topics: string[]): Buffer {
  const parts = [Buffer.from([0, 1]), int32(topics.length)]
  for (const topic of topics) parts.push(Buffer.from([topic.length >> 8, topic.length & 255]), Buffer.from(topic))
  return Buffer.concat([...parts, int32(-1), int32(0)])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export const range = (...topics: string[]) => ({ name: 'range', metadata: subscription(...topics) })

/** One parked or answered request. */
export interface Asked<T> {
  /** Throws while the request is parked. */
  readonly answer: T
  readonly isParked: boolean
  /** The coordinator restarted before it answered. */
  readonly isLost: boolean
}

interface Scheduled {
  readonly key: string
  readonly dueMs: number
  readonly order: number
  readonly event: GroupTimer
}

/** A shard on time that only the test moves: a runtime without promises, whose log never fails. */
export class GroupDriver {
  nowMs = 1_700_000_000_000
  machine: GroupMachine
  /** The log, as bytes and back, so that what is not written is not there. */
  readonly log: GroupRecord[] = []
  /** Whose transaction a record of the log belongs to. */
  readonly #producers = new WeakMap<GroupRecord, ProducerIdentity>()
  /** The ends of transactions, each with the records of the log before it. */
  readonly #ends: { readonly after: number; readonly end: TransactionEnd }[] = []
  readonly notes: GroupNote[] = []
  readonly answers = new Map<number, GroupResponse>()
  readonly parked = new Map<number, { readonly request: GroupRequest; readonly sinceMs: number }>()
  readonly #timers = new Map<string, Scheduled>()
  /** Of each group, what the last note said. */
  readonly #noted = new Map<string, StateNote['after']>()
  readonly #config: GroupConfig
  #lastToken = 0
  #skewMs = 0
  #order = 0
  #members = 0

  constructor(config: Partial<GroupConfig> = {}) {
    this.#config = { ...TEST_CONFIG, ...config }
    this.machine = new GroupMachine(this.#config)
    this.#handle({ kind: 'loaded' })
  }

  ask<K extends keyof GroupCalls>(type: K, call: GroupCalls[K]['call']): Asked<GroupCalls[K]['result']> {
    const token = ++this.#lastToken
    const request = { type, call } as GroupRequest
    this.parked.set(token, { request, sinceMs: this.nowMs })
    this.#handle({ kind: 'request', token, request })
    return new Question(this.answers, this.parked, token)
  }

  join(call: Partial<JoinGroupCall> & { readonly newMemberUuid?: string } = {}): Asked<JoinGroupResult> {
    return this.ask('joinGroup', {
      groupId: 'g',
      memberId: '',
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocolType: 'consumer',
      protocols: [range('t')],
      requiresKnownMemberId: false,
      canSkipAssignment: true,
      newMemberUuid: `uuid${++this.#members}`,
      ...call,
    })
  }

  sync(call: Partial<SyncGroupCall>) {
    const anything = { groupInstanceId: null, protocolType: null, protocolName: null, assignments: [] }
    return this.ask('syncGroup', { groupId: 'g', generationId: 1, memberId: '', ...anything, ...call })
  }

  heartbeat(call: Partial<HeartbeatCall>): ErrorCode {
    const whole = { groupId: 'g', generationId: 1, memberId: '', groupInstanceId: null, ...call }
    return this.ask('heartbeat', whole).answer.error
  }

  leave(...members: (Partial<LeavingMember> | string)[]): readonly ErrorCode[] {
    const leaving = members.map((member) => {
      const identity = typeof member === 'string' ? { memberId: member } : member
      return { memberId: '', groupInstanceId: null, ...identity }
    })
    return this.ask('leaveGroup', { groupId: 'g', members: leaving }).answer.memberErrors
  }

  /** Offset 5 of partition 0 of `t`, by an administrator, unless told otherwise. */
  commit(call: Partial<Omit<OffsetCommitCall, 'offsets'>> & Partial<OffsetToCommit> = {}): ErrorCode {
    const { topic = 't', topicId = TOPIC_ID, partition = 0, offset = 5, leaderEpoch = -1, metadata = '', ...of } = call
    const { errors } = this.ask('commitOffsets', {
      ...{ groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1 },
      missingGroupError: ErrorCode.GROUP_ID_NOT_FOUND,
      ...of,
      offsets: [{ topic, topicId, partition, offset, leaderEpoch, metadata }],
    }).answer
    return errors[0]!
  }

  committed(topic = 't', partition = 0, groupId = 'g'): number {
    const topics = [{ topic, partitions: [partition] }]
    return this.ask('fetchOffsets', { groupId, topics }).answer.topics[0]!.partitions[0]!.offset
  }

  describe(groupId = 'g') {
    return this.ask('describeGroup', groupId).answer
  }

  state(groupId = 'g') {
    return this.describe(groupId).state
  }

  /** Members join in turn, rejoining until all are in one generation, and get their own id as assignment. */
  stable(...members: Partial<JoinGroupCall>[]): { ids: string[]; generationId: number } {
    let joins = members.map((member) => this.join(member))
    for (let round = 0; round < members.length; round++) {
      const ids = joins.map((join) => (join.isParked ? null : join.answer.memberId))
      joins = joins.map((join, at) => {
        if (join.isParked || joins.every((one) => !one.isParked)) return join
        return this.join({ ...members[at], memberId: ids[at]! })
      })
    }
    const answers = joins.map((join) => join.answer)
    const ids = answers.map(({ memberId }) => memberId)
    const generationId = answers[0]!.generationId
    const leader = answers.find(({ leader, memberId }) => leader === memberId)!
    const groupId = members[0]?.groupId ?? 'g'
    const assignments = ids.map((memberId) => ({ memberId, assignment: Buffer.from(memberId) }))
    this.sync({ groupId, generationId, memberId: leader.memberId, assignments })
    for (const memberId of ids) this.sync({ groupId, generationId, memberId })
    return { ids, generationId }
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let next = this.#nextDue(untilMs); next; next = this.#nextDue(untilMs)) {
      const { key, dueMs, event } = next
      this.#timers.delete(key)
      this.nowMs = Math.max(this.nowMs, dueMs)
      this.#handle({ kind: 'timer', timer: event })
    }
    this.nowMs = untilMs
  }

  #nextDue(untilMs: number): Scheduled | null {
    let next: Scheduled | null = null
    for (const timer of this.#timers.values()) {
      if (timer.dueMs > untilMs) continue
      if (!next || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) next = timer
    }
    return next
  }

  /** The wall clock is set; timers do not notice. */
  jump(ms: number): void {
    this.#skewMs += ms
  }

  /** What a heartbeat would be answered, without being a sign of life. */
  peekHeartbeat(call: HeartbeatCall): ErrorCode {
    const request = { type: 'heartbeat', call } as const
    const { replies } = this.machine.handle({ kind: 'request', token: 0, request }, this.nowMs)
    return (replies[0]!.response as { error: ErrorCode }).error
  }

  /** Another coordinator that has read the same log. */
  copy(): GroupDriver {
    const copy = new GroupDriver(this.#config)
    copy.log.push(...this.log)
    copy.#ends.push(...this.#ends)
    for (const record of this.log) copy.#belongsTo(record, this.#producers.get(record) ?? null)
    copy.reload()
    return copy
  }

  /** The broker restarts: parked requests are lost, memory is what the log says. */
  reload(): void {
    this.machine = new GroupMachine(this.#config)
    this.#timers.clear()
    this.parked.clear()
    this.#noted.clear()
    const ends = [...this.#ends]
    for (const [at, record] of this.log.entries()) {
      while (ends[0]?.after === at) this.machine.replayTransactionEnd(ends.shift()!.end)
      this.machine.replay(record, this.#producers.get(record) ?? null)
    }
    for (const { end } of ends) this.machine.replayTransactionEnd(end)
    this.#handle({ kind: 'loaded' })
  }

  #belongsTo(record: GroupRecord, producer: ProducerIdentity | null): void {
    if (producer !== null) this.#producers.set(record, producer)
  }

  #handle(event: ShardEvent<GroupRequest, GroupTimer>): void {
    const outcome = this.machine.handle(event, this.nowMs + this.#skewMs)
    for (const record of outcome.records) {
      this.machine.replay(record, outcome.producer)
      const { key, value } = groupRecordCodec.encode(record)
      const read = groupRecordCodec.decode(key, value)!
      this.#belongsTo(read, outcome.producer)
      this.log.push(read)
    }
    if (outcome.transactionEnd !== null) {
      this.machine.replayTransactionEnd(outcome.transactionEnd)
      this.#ends.push({ after: this.log.length, end: outcome.transactionEnd })
    }
    this.#take(outcome)
    this.#compareNotes(outcome.notes)
  }

  /** No step is left out, and the group is what the last note says. */
  #compareNotes(notes: readonly GroupNote[]): void {
    const states = notes.filter((note) => note.kind === 'state')
    for (const { groupId, before, after } of states) {
      const known = this.#noted.get(groupId) ?? before
      if (known !== before) throw new Error(`${groupId} went from ${known} to ${before} without a note`)
      this.#noted.set(groupId, after)
    }
    for (const groupId of new Set(states.map((note) => note.groupId))) {
      const { after, generationId, memberCount } = states.findLast((note) => note.groupId === groupId)!
      const { state, members } = this.#peek(groupId)
      // An empty group without offsets is forgotten at once.
      const ended = after === 'Empty' && state === 'Dead'
      if ((state !== after || members.length !== memberCount) && !ended) {
        throw new Error(
          `${groupId} is ${state} of ${members.length}; noted: ${after} of ${memberCount}, ${generationId}`,
        )
      }
    }
  }

  #peek(groupId: string): DescribedGroup {
    const request = { type: 'describeGroup', call: groupId } as const
    const { replies } = this.machine.handle({ kind: 'request', token: 0, request }, this.nowMs)
    return replies[0]!.response as DescribedGroup
  }

  #take({ replies, timers, notes }: Outcome<GroupResponse, GroupTimer, GroupRecord, GroupNote>): void {
    this.notes.push(...notes)
    for (const { token, response } of replies) {
      if (!this.parked.delete(token)) throw new Error(`request ${token} was answered twice`)
      this.answers.set(token, response)
    }
    for (const { key, event, delayMs } of timers) {
      this.#timers.delete(key)
      if (event !== null) this.#timers.set(key, { key, dueMs: this.nowMs + delayMs, order: ++this.#order, event })
    }
  }
}

class Question<T> implements Asked<T> {
  readonly #answers: ReadonlyMap<number, GroupResponse>
  readonly #parked: ReadonlyMap<number, unknown>
  readonly #token: number

  constructor(answers: ReadonlyMap<number, GroupResponse>, parked: ReadonlyMap<number, unknown>, token: number) {
    this.#answers = answers
    this.#parked = parked
    this.#token = token
  }

  get isParked(): boolean {
    return this.#parked.has(this.#token)
  }

  get isLost(): boolean {
    return !this.isParked && !this.#answers.has(this.#token)
  }

  get answer(): T {
    if (!this.#answers.has(this.#token)) throw new Error(`request ${this.#token} is not answered`)
    return this.#answers.get(this.#token) as T
  }
}
