import { ErrorCode } from '../../protocol/errors.ts'
import type { MemberAssignment } from '../../src/coordinator/group/group-calls.ts'
import type { GroupRecord } from '../../src/coordinator/group/group-records.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { ChurnClient, PARTITIONS } from './churn-client.ts'
import { GroupDriver, REBALANCE_MS } from './group-driver.ts'

const MAX_CLIENTS = 7
const HOUR_MS = 3_600_000

/**
 * Consumers that come, go, die, dawdle and repeat themselves, around one group whose coordinator restarts and whose
 * clock jumps. After each step what must always hold is checked. Throws with the seed's story so far.
 */
export class GroupChurn {
  readonly driver: GroupDriver
  readonly #random: SimulatedRandom
  readonly #clients: ChurnClient[] = []
  /** What was acknowledged last, by partition. */
  readonly #committed = new Map<number, number>()
  /** What leaders decided, by generation. */
  readonly #assigned = new Map<number, ReadonlyMap<string, readonly number[]>>()
  readonly #story: string[] = []
  #generation = 0
  #membership = ''
  #checkedRecords = 0
  #names = 0

  constructor(seed: number) {
    this.#random = new SimulatedRandom(seed)
    const delayMs = this.#random.below(2) * 3000
    this.driver = new GroupDriver({ 'group.initial.rebalance.delay.ms': delayMs, 'offsets.retention.minutes': 525_600 })
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.#do(() => this.#step())
    this.#settle()
  }

  #do(action: () => void): void {
    try {
      action()
      this.#check()
    } catch (error) {
      throw new Error(`after ${this.#story.slice(-40).join(', ')}`, { cause: error })
    }
  }

  #step(): void {
    const client = this.#clients[this.#random.below(Math.max(this.#clients.length, 1))]
    const dice = this.#random.below(100)
    if (!client || (dice < 6 && this.#clients.length < MAX_CLIENTS)) this.#arrive()
    else if (dice < 75) this.#use(client)
    else if (dice < 88) this.#disturb(client, dice)
    else this.#disturbBroker(dice)
  }

  #use(client: ChurnClient): void {
    if (this.#random.below(4) === 0) this.#commit(client)
    else {
      this.#story.push(`${client.name} polls`)
      client.poll()
    }
  }

  #disturb(client: ChurnClient, dice: number): void {
    if (dice < 76) {
      this.#story.push(`${client.name} repeats itself`)
      client.repeat()
    } else if (dice < 77) {
      client.isStuck = !client.isStuck
      this.#story.push(`${client.name} ${client.isStuck ? 'hangs' : 'goes on'}`)
    } else if (dice < 79) {
      this.#resend(client)
    } else if (dice < 82) {
      this.#story.push(`${client.name} changes its mind`)
      client.resubscribe()
    } else if (dice < 84) {
      this.#story.push(`${client.name} leaves`)
      client.leave()
      this.#remove(client)
    } else if (dice < 86) {
      this.#story.push(`${client.name} dies`)
      this.#remove(client)
    } else if (client.groupInstanceId !== null) {
      this.#restart(client)
    }
  }

  #resend(client: ChurnClient): void {
    this.#story.push(`old requests of ${client.name} arrive`)
    client.resendSync(this.#random.below(1000))
    for (const one of this.#clients) {
      const error = one.resendCommit(this.#generation)
      if (error === ErrorCode.NONE) throw new Error(`an old commit of ${one.name} was accepted`)
    }
  }

  #disturbBroker(dice: number): void {
    if (dice < 89) {
      this.#story.push('the broker restarts')
      this.driver.reload()
      for (const one of this.#clients) one.disconnect()
    } else if (dice < 90) {
      const jumpMs = (this.#random.below(3) - 1) * HOUR_MS
      this.#story.push(`the clock jumps by ${jumpMs} ms`)
      this.driver.jump(jumpMs)
    } else if (dice < 91) {
      this.#reset()
    } else {
      const ms = [10, 500, 3000, 3000, 12_000, 61_000][this.#random.below(6)]!
      this.#story.push(`${ms} ms pass`)
      for (let passedMs = 0; passedMs < ms; passedMs += 4000) {
        this.driver.advance(Math.min(4000, ms - passedMs))
        for (const client of this.#clients) if (client.isStuck) client.poll()
      }
    }
  }

  #arrive(): void {
    const isStatic = this.#random.below(3) === 0
    const instances = ['i', 'j'].filter((id) => !this.#clients.some(({ groupInstanceId }) => groupInstanceId === id))
    const instance = isStatic ? (instances[0] ?? null) : null
    this.#story.push(`${this.#create(instance).name} arrives as ${instance ?? 'anybody'}`)
  }

  #create(groupInstanceId: string | null): ChurnClient {
    const onAssign = (generationId: number, assignments: readonly MemberAssignment[]) => {
      const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, [...assignment]]))
      this.#assigned.set(generationId, byMember)
    }
    const isModern = this.#random.below(2) === 0
    const client = new ChurnClient(this.driver, { name: `c${++this.#names}`, groupInstanceId, isModern, onAssign })
    this.#clients.push(client)
    return client
  }

  /** A process that is gone keeps no partitions; one that only looks gone is a client that is never polled. */
  #remove(client: ChurnClient): void {
    this.#clients.splice(this.#clients.indexOf(client), 1)
  }

  /** A new process with the old one's instance id, while the old one may still be running. */
  #restart(client: ChurnClient): void {
    const successor = this.#create(client.groupInstanceId)
    this.#story.push(`${client.name} restarts as ${successor.name}`)
    if (this.#random.below(2) === 0) this.#remove(client)
  }

  #commit(client: ChurnClient): void {
    const partition = client.partitions[this.#random.below(Math.max(client.partitions.length, 1))]
    if (partition === undefined) return
    const offset = client.positionOf(partition) + 1 + this.#random.below(3)
    const error = client.commit(partition, offset)
    this.#story.push(`${client.name} commits ${partition}@${offset}: ${error}`)
    if (error !== ErrorCode.NONE) return
    const before = this.#committed.get(partition) ?? -1
    if (offset <= before) throw new Error(`${client.name} rewound partition ${partition} from ${before} to ${offset}`)
    this.#committed.set(partition, offset)
  }

  /** An administrator resets offsets: refused while there are members. */
  #reset(): void {
    const partition = this.#random.below(PARTITIONS)
    const before = this.driver.state()
    const error = this.driver.commit({ partition, offset: 0 })
    this.#story.push(`offsets of ${partition} are reset: ${error}`)
    const isEmpty = before === 'Empty' || before === 'Dead'
    if (isEmpty !== (error === ErrorCode.NONE)) throw new Error(`a reset in state ${before} was answered ${error}`)
    if (error === ErrorCode.NONE) this.#committed.set(partition, 0)
  }

  /** With nobody coming or going any more, the group must come to rest with every partition in one hand. */
  #settle(): void {
    this.#story.push('peace')
    const orphans = this.#clients.filter((client) => this.#hasSuccessor(client))
    for (const client of orphans) this.#remove(client)
    for (const client of this.#clients) client.isStuck = false
    // One more dies, and the broker restarts before its session is over.
    if (this.#clients.length > 1) this.#remove(this.#clients[0]!)
    this.driver.reload()
    for (let round = 0; round < 400; round++) {
      this.#do(() => {
        for (const client of this.#clients) client.poll()
        this.driver.advance(1000)
      })
    }
    if (this.#clients.length === 0) return
    if (this.driver.state() !== 'Stable') throw new Error(`in peace the group is ${this.driver.state()}`)
    const held = this.#clients.flatMap(({ partitions }) => partitions).sort()
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    if (held.join() !== all.join()) throw new Error(`in peace the partitions held are ${held}`)
  }

  #hasSuccessor(client: ChurnClient): boolean {
    const at = this.#clients.indexOf(client)
    const { groupInstanceId } = client
    return (
      groupInstanceId !== null && this.#clients.slice(at + 1).some((one) => one.groupInstanceId === groupInstanceId)
    )
  }

  #check(): void {
    this.#checkOwners()
    this.#checkAssignments()
    this.#checkOffsets()
    this.#checkParked()
    this.#checkLog()
    this.#checkReload()
  }

  /** A partition is never in two hands that the coordinator takes for members of the generation. */
  #checkOwners(): void {
    const owners = new Map<number, string>()
    for (const client of this.#clients) {
      if (!client.isCurrent()) continue
      for (const partition of client.partitions) {
        const other = owners.get(partition)
        if (other) throw new Error(`${other} and ${client.name} both own partition ${partition}`)
        owners.set(partition, client.name)
      }
    }
  }

  /** Members own what their leader gave them. A static member that came back under a new id is not in its list. */
  #checkAssignments(): void {
    for (const { name, memberId, generationId, partitions } of this.#clients) {
      const given = this.#assigned.get(generationId)?.get(memberId)
      if (!given || partitions.length === 0) continue
      if (given.join() !== partitions.join()) throw new Error(`${name} was given ${given} and has ${partitions}`)
    }
  }

  #checkOffsets(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const expected = this.#committed.get(partition) ?? -1
      const actual = this.driver.committed('t', partition)
      if (actual !== expected) throw new Error(`partition ${partition} is at ${actual} instead of ${expected}`)
    }
  }

  #checkParked(): void {
    for (const { request, sinceMs } of this.driver.parked.values()) {
      const ageMs = this.driver.nowMs - sinceMs
      if (ageMs > REBALANCE_MS) throw new Error(`${request.type} has been waiting for ${ageMs} ms`)
    }
  }

  /** Generations in the log only rise, as long as the group is the same. */
  #checkLog(): void {
    const { log } = this.driver
    for (; this.#checkedRecords < log.length; this.#checkedRecords++) {
      const record: GroupRecord = log[this.#checkedRecords]!
      if (record.type !== 'GroupMetadata') continue
      const { generation = 0, members = [] } = record.value ?? {}
      const membership = members.map(({ memberId, groupInstanceId }) => groupInstanceId ?? memberId).sort()
      const isSame = generation === this.#generation && membership.join() === this.#membership
      if (record.value && generation <= this.#generation && !isSame) {
        throw new Error(`generation ${generation} was written for ${this.#membership} and for ${membership}`)
      }
      this.#generation = generation
      this.#membership = membership.join()
    }
  }

  /** What is in the log is what is in memory, as far as it must survive. */
  #checkReload(): void {
    const { driver } = this
    const copy = driver.copy()
    const live = driver.describe()
    const lastGroup = driver.log.findLast(({ type }) => type === 'GroupMetadata')
    const isWritten = this.#committed.size > 0 || (lastGroup !== undefined && lastGroup.value !== null)
    // A group that is nothing but an id given out is not written.
    if (live.state === 'Stable' || (live.state === 'Empty' && isWritten)) same(copy.describe(), live)
    const everything = { groupId: 'g', topics: null }
    same(copy.ask('fetchOffsets', everything).answer, driver.ask('fetchOffsets', everything).answer)
  }
}

function same(restarted: object, live: object): void {
  const [after, before] = [restarted, live].map((value) => JSON.stringify(value))
  if (after !== before) throw new Error(`a restart makes ${after} of ${before}`)
}
