import { Violation } from './violation.ts'

interface Commit {
  readonly offset: number
  readonly generation: number
  readonly sentMs: number
  /** Infinity while nobody knows whether it was carried out, or still will be. */
  settledMs: number
  outcome: 'pending' | 'stored' | 'refused' | 'lost'
}

/** How long a request whose connection is gone may still lie in some buffer. */
const LINGER_MS = 20_000

interface Generation {
  readonly leader: string
  /** The life of the broker in which it was heard of. */
  readonly life: number
  /** Somebody has its assignment: it is on the disk. */
  synced: boolean
  readonly owners: Map<string, string>
}

/** One consumer group as it must be: who owns what in which generation, and which offsets may be committed. */
export class GroupLedger {
  readonly name: string
  readonly #now: () => number
  readonly #generations = new Map<number, Generation>()
  /** By topic-partition. */
  readonly #commits = new Map<string, Commit[]>()
  #synced = 0

  constructor(name: string, now: () => number) {
    this.name = name
    this.#now = now
  }

  /** The highest generation of which anybody has an assignment. One that was only joined may be forgotten by a crash. */
  get generation(): number {
    return this.#synced
  }

  joined(member: string, generation: number, leader: string, floor: number, life: number): void {
    if (generation < floor) {
      throw new Violation(`group ${this.name}: ${member} joined generation ${generation} after ${floor} was known`)
    }
    const known = this.#generations.get(generation)
    if (known === undefined || (!known.synced && known.life !== life)) {
      this.#generations.set(generation, { leader, life, synced: false, owners: new Map() })
    } else if (known.leader !== leader) {
      throw new Violation(`group ${this.name}: generation ${generation} is led by ${known.leader} and by ${leader}`)
    }
  }

  assigned(member: string, generation: number, partitions: readonly string[]): void {
    const known = this.#generations.get(generation)!
    known.synced = true
    this.#synced = Math.max(this.#synced, generation)
    const { owners } = known
    for (const partition of partitions) {
      const owner = owners.get(partition)
      if (owner !== undefined && owner !== member) {
        throw new Violation(`group ${this.name}: ${partition} belongs to ${owner} and ${member} in ${generation}`)
      }
      owners.set(partition, member)
    }
  }

  /** Keep it: what becomes of the commit is told to it. */
  commits(partition: string, offset: number, generation: number): Commit {
    const commit: Commit = {
      offset,
      generation,
      sentMs: this.#now(),
      settledMs: Number.POSITIVE_INFINITY,
      outcome: 'pending',
    }
    this.#of(partition).push(commit)
    return commit
  }

  /** `floor`: the highest generation that was known when the commit was sent. */
  stored(partition: string, commit: Commit, floor: number): void {
    if (commit.generation < floor) {
      throw new Violation(
        `group ${this.name}: a commit of generation ${commit.generation} was taken after generation ${floor} began`,
      )
    }
    this.#settle(partition, commit)
    commit.settledMs = this.#now()
  }

  refused(commit: Commit): void {
    commit.outcome = 'refused'
    commit.settledMs = Number.NEGATIVE_INFINITY
  }

  lost(commit: Commit): void {
    commit.outcome = 'lost'
    commit.settledMs = this.#now() + LINGER_MS
  }

  /** Offsets that OffsetFetch may answer now. */
  possible(partition: string): ReadonlySet<number> {
    const commits = this.#of(partition).filter(({ outcome }) => outcome !== 'refused')
    return new Set(commits.map(({ offset }) => offset))
  }

  /** `before`: what was possible when the question was asked. */
  fetched(partition: string, offset: number, before: ReadonlySet<number>): void {
    const now = this.possible(partition)
    if (!before.has(offset) && !now.has(offset)) {
      throw new Violation(
        `group ${this.name}: the committed offset of ${partition} is ${offset}, one of ${[...now]} was expected`,
      )
    }
    // What was told is durable: nothing older may come back.
    const commit = this.#of(partition).find((one) => one.offset === offset && one.outcome !== 'refused')
    if (commit) this.#settle(partition, commit)
  }

  #settle(partition: string, commit: Commit): void {
    commit.outcome = 'stored'
    const commits = this.#of(partition)
    this.#commits.set(
      partition,
      commits.filter((other) => other === commit || other.settledMs > commit.sentMs),
    )
  }

  #of(partition: string): Commit[] {
    let commits = this.#commits.get(partition)
    if (commits === undefined) {
      const none = { offset: -1, generation: -1, sentMs: -1, settledMs: 0, outcome: 'stored' } as const
      commits = [{ ...none }]
      this.#commits.set(partition, commits)
    }
    return commits
  }
}
