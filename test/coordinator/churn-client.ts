import { ErrorCode } from '../../protocol/errors.ts'
import type {
  JoinGroupResult,
  MemberAssignment,
  SyncGroupCall,
  SyncGroupResult,
} from '../../src/coordinator/group/group-calls.ts'
import { type Asked, type GroupDriver, range } from './group-driver.ts'

export const PARTITIONS = 6

export interface ClientOptions {
  readonly name: string
  readonly groupInstanceId: string | null
  readonly isModern: boolean
  /** What a leader decides, before the coordinator hears of it. */
  readonly onAssign: (generationId: number, assignments: readonly MemberAssignment[]) => void
}

interface Commit {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
  readonly partition: number
  readonly offset: number
}

/** A consumer as the Java client is one, poll by poll: joins, assigns when it leads, heartbeats, obeys errors. */
export class ChurnClient {
  readonly name: string
  readonly groupInstanceId: string | null
  readonly #driver: GroupDriver
  /** Before v4 there is no MEMBER_ID_REQUIRED. */
  readonly #isModern: boolean
  #memberId = ''
  #generationId = -1
  /** What it believes to own; kept while it rejoins, as cooperative consumers do. */
  #partitions: readonly number[] = []
  readonly #positions = new Map<number, number>()
  #joining: Asked<JoinGroupResult> | null = null
  #syncing: Asked<SyncGroupResult> | null = null
  #topics = ['t']
  #joins = 0
  /** It was seen waiting, so that it cannot have missed a heartbeat. */
  #waited = false
  readonly #sent: { readonly syncs: SyncGroupCall[]; readonly commits: Commit[] } = { syncs: [], commits: [] }
  readonly #onAssign: (generationId: number, assignments: readonly MemberAssignment[]) => void
  /** The application hangs: the client's own thread goes on to send heartbeats, nothing else happens. */
  isStuck = false

  constructor(driver: GroupDriver, options: ClientOptions) {
    const { name, groupInstanceId, isModern, onAssign } = options
    this.#driver = driver
    this.#onAssign = onAssign
    this.name = name
    this.groupInstanceId = groupInstanceId
    this.#isModern = isModern
  }

  get memberId(): string {
    return this.#memberId
  }

  get generationId(): number {
    return this.#generationId
  }

  get partitions(): readonly number[] {
    return this.#partitions
  }

  positionOf(partition: number): number {
    return this.#positions.get(partition) ?? -1
  }

  /** Whether the coordinator takes it for a member of the generation it believes to be in. */
  isCurrent(): boolean {
    const error = this.#driver.peekHeartbeat(this.#identity())
    return error === ErrorCode.NONE || error === ErrorCode.REBALANCE_IN_PROGRESS
  }

  poll(): void {
    if (this.isStuck) {
      if (this.#generationId >= 0) this.#driver.heartbeat(this.#identity())
    } else if (this.#joining) this.#afterJoin(this.#joining)
    else if (this.#syncing) this.#afterSync(this.#syncing)
    else if (this.#generationId < 0) this.#join()
    else this.#obey(this.#driver.heartbeat(this.#identity()))
  }

  /** The answer is late: the same request again, over another connection. */
  repeat(): void {
    if (this.#joining) this.#join()
    else if (this.#syncing) this.#sync(this.#sent.syncs.at(-1)?.assignments ?? [])
    else this.poll()
  }

  resubscribe(): void {
    this.#topics = this.#topics.length === 1 ? ['t', 'other'] : ['t']
    if (!this.#joining && !this.#syncing) this.#join()
  }

  leave(): void {
    if (this.#memberId !== '') this.#driver.leave({ memberId: this.#memberId, groupInstanceId: this.groupInstanceId })
  }

  commit(partition: number, offset: number): ErrorCode {
    const commit = { ...this.#identity(), partition, offset }
    this.#sent.commits.push(commit)
    const error = this.#driver.commit(commit)
    if (error === ErrorCode.NONE) this.#positions.set(partition, offset)
    else this.#obey(error)
    return error
  }

  /** A request that was lost on the way arrives after all; nobody reads the answer. */
  resendSync(at: number): void {
    const { syncs } = this.#sent
    if (syncs.length > 0) this.#driver.sync(syncs[at % syncs.length]!)
  }

  /** The same for a commit of an earlier generation; null when there is none. */
  resendCommit(before: number): ErrorCode | null {
    const old = this.#sent.commits.findLast(({ generationId }) => generationId < before)
    return old ? this.#driver.commit(old) : null
  }

  /** What is on its way dies with the connections. */
  disconnect(): void {
    this.#sent.syncs.length = 0
    this.#sent.commits.length = 0
  }

  #sync(assignments: readonly MemberAssignment[]): void {
    const call = { ...this.#identity(), protocolType: null, protocolName: null, assignments }
    this.#sent.syncs.push(call)
    this.#waited = false
    this.#syncing = this.#driver.sync(call)
  }

  #identity() {
    const { groupInstanceId } = this
    return { groupId: 'g', memberId: this.#memberId, generationId: this.#generationId, groupInstanceId }
  }

  #join(): void {
    this.#waited = false
    this.#joining = this.#driver.join({
      memberId: this.#memberId,
      groupInstanceId: this.groupInstanceId,
      protocols: [range(...this.#topics)],
      requiresKnownMemberId: this.#isModern,
      newMemberUuid: `${this.name}.${++this.#joins}`,
    })
  }

  #afterJoin(joining: Asked<JoinGroupResult>): void {
    if (joining.isParked) {
      this.#waited = true
      return
    }
    this.#joining = null
    if (joining.isLost) this.#join()
    else {
      this.#checkWaited(joining.answer.error)
      this.#joined(joining.answer)
    }
  }

  #joined({ error, memberId, generationId, leader, skipAssignment, members }: JoinGroupResult): void {
    if (error === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = memberId
      this.#join()
    } else if (error !== ErrorCode.NONE) {
      this.#obey(error)
    } else {
      this.#memberId = memberId
      this.#generationId = generationId
      this.#partitions = []
      const assigns = leader === memberId && !skipAssignment
      const assignments = assigns ? assign(members.map((member) => member.memberId)) : []
      if (assigns) this.#onAssign(generationId, assignments)
      this.#sync(assignments)
    }
  }

  /** Whoever waits for the coordinator is alive, however long it takes. */
  #checkWaited(error: ErrorCode): void {
    const waited = this.#waited
    this.#waited = false
    if (waited && error === ErrorCode.UNKNOWN_MEMBER_ID) throw new Error(`${this.name} was thrown out while it waited`)
  }

  #afterSync(syncing: Asked<SyncGroupResult>): void {
    if (syncing.isParked) {
      this.#waited = true
      return
    }
    this.#syncing = null
    if (!syncing.isLost) this.#checkWaited(syncing.answer.error)
    if (syncing.isLost) this.#join()
    else if (syncing.answer.error !== ErrorCode.NONE) this.#obey(syncing.answer.error)
    else {
      this.#partitions = [...syncing.answer.assignment]
      for (const partition of this.#partitions) {
        this.#positions.set(partition, this.#driver.committed('t', partition))
      }
    }
  }

  #obey(error: ErrorCode): void {
    switch (error) {
      case ErrorCode.NONE:
        break
      case ErrorCode.REBALANCE_IN_PROGRESS:
        if (!this.#joining) this.#join()
        break
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.FENCED_INSTANCE_ID:
      case ErrorCode.GROUP_ID_NOT_FOUND:
        if (error !== ErrorCode.ILLEGAL_GENERATION) this.#memberId = ''
        this.#generationId = -1
        this.#partitions = []
        this.#joining = null
        this.#syncing = null
        break
      default:
        throw new Error(`${this.name} was answered ${error}`)
    }
  }
}

/** One byte per partition, dealt out in turn. */
function assign(memberIds: readonly string[]) {
  return memberIds.map((memberId, at) => {
    const own = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    return { memberId, assignment: Buffer.from(own.filter((partition) => partition % memberIds.length === at)) }
  })
}
