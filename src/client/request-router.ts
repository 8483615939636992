import type { Api, DecodedResponseOf, RequestInputOf } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import type { Clock } from '../io/clock.ts'
import { type Address, formatAddress } from './address.ts'
import { Attempts } from './attempts.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { ClientError, refuseError } from './client-error.ts'
import { type Cluster, type ClusterBroker, clusterOf, type TopicMetadata, topicsOf } from './cluster-metadata.ts'
import type { ConnectionPool } from './connection-pool.ts'

/** Who a request is for. */
export type Target =
  | 'any'
  | 'controller'
  | { readonly brokerId: number }
  | { readonly group: string }
  | { readonly transactionalId: string }

export interface SendOptions {
  /** The newest version to use, where a newer one asks for other fields. */
  readonly maxVersion?: number
  /** For all tries together; the client's own by default. */
  readonly timeoutMs?: number
  /** A connection of its own: see ConnectionPool. */
  readonly channel?: string
}

export interface RouterOptions {
  readonly pool: ConnectionPool
  readonly clock: Clock
  readonly bootstrap: readonly Address[]
  readonly timeoutMs: number
}

const GROUP_KEY = 0
const TRANSACTION_KEY = 1
/** Above it, the keys are a list. */
const SINGLE_KEY_VERSION = 3
/** A broker that restarts is back by then; one that is gone should be said to be. */
const UNREACHABLE_FOR_MS = 3000

/** After a lost answer nobody knows whether it happened, and a second time would be another thing. */
const NOT_REPEATED = new Set([Produce, CreateTopics, DeleteTopics, CreatePartitions].map(({ key }) => key))

const MOVED_COORDINATOR: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
])
const MOVED_CONTROLLER: ReadonlySet<number> = new Set([ErrorCode.NOT_CONTROLLER])
const NEVER: ReadonlySet<number> = new Set()

/** Finds the broker that a request is for, and sends it again where the broker has changed. */
export class RequestRouter {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly #pool: ConnectionPool
  readonly #bootstrap: readonly Address[]
  #cluster: Cluster | null = null
  readonly #coordinators = new Map<string, number>()

  constructor({ pool, clock, bootstrap, timeoutMs }: RouterOptions) {
    this.clock = clock
    this.timeoutMs = timeoutMs
    this.#pool = pool
    this.#bootstrap = bootstrap
  }

  /**
   * Throws ClientError; error codes in the answer are the caller's, but for those that say that another broker has
   * become the coordinator or the controller, and that it needs a moment: these are tried again until the time is over.
   */
  async send<A extends Api>(
    api: A,
    request: RequestInputOf<A>,
    to: Target = 'any',
    options: SendOptions = {},
  ): Promise<DecodedResponseOf<A>> {
    const attempts = new Attempts(this.clock, options.timeoutMs ?? this.timeoutMs)
    const connecting = new Attempts(this.clock, UNREACHABLE_FOR_MS)
    for (;;) {
      let answer: DecodedResponseOf<A>
      try {
        const connection = await this.#connectionFor(to, attempts.leftMs, options.channel)
        answer = await connection.send(api, connection.versionOf(api, options.maxVersion), request, attempts.leftMs)
        if (!hasCode(answer, movedCodes(to))) return answer
      } catch (error) {
        this.#forget(to)
        if (!isWorthRepeating(error, api)) throw error
        if (error.kind === 'unreachable' && connecting.leftMs === 0) throw error
        if (!(await attempts.pause())) throw error
        continue
      }
      this.#forget(to)
      if (!(await attempts.pause())) return answer
    }
  }

  /** For a request without an answer. */
  async post<A extends Api>(api: A, request: RequestInputOf<A>, to: Target, options: SendOptions = {}): Promise<void> {
    const connection = await this.#connectionFor(to, options.timeoutMs ?? this.timeoutMs, options.channel)
    await connection.post(api, connection.versionOf(api, options.maxVersion), request)
  }

  connectionFor(to: Target, timeoutMs = this.timeoutMs): Promise<BrokerConnection> {
    return this.#connectionFor(to, timeoutMs, undefined)
  }

  /** Asked anew each time. */
  async cluster(): Promise<Cluster> {
    await this.#metadata([], false)
    return this.#cluster!
  }

  /** Null means all. Topics that do not exist are there, with an error code. */
  async topics(names: readonly string[] | null, autoCreate = false): Promise<TopicMetadata[]> {
    return topicsOf(await this.#metadata(names, autoCreate))
  }

  async #metadata(names: readonly string[] | null, autoCreate: boolean): Promise<DecodedResponseOf<typeof Metadata>> {
    const topics = names === null ? null : names.map((name) => ({ name }))
    const answer = await this.send(Metadata, {
      topics,
      allowAutoTopicCreation: autoCreate,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    refuseError('asking for metadata', answer.errorCode)
    this.#cluster = clusterOf(answer)
    return answer
  }

  async #connectionFor(to: Target, timeoutMs: number, channel: string | undefined): Promise<BrokerConnection> {
    if (to === 'any') return this.#anyConnection(timeoutMs, channel)
    if (to === 'controller') {
      const { controllerId } = this.#cluster ?? (await this.cluster())
      // In KRaft any broker passes such requests on.
      return controllerId < 0
        ? this.#anyConnection(timeoutMs, channel)
        : this.#brokerConnection(controllerId, timeoutMs)
    }
    if ('brokerId' in to) return this.#brokerConnection(to.brokerId, timeoutMs, channel)
    return this.#brokerConnection(await this.#coordinatorOf(to), timeoutMs, channel)
  }

  async #brokerConnection(id: number, timeoutMs: number, channel?: string): Promise<BrokerConnection> {
    const broker = brokerOf(this.#cluster, id) ?? brokerOf(await this.cluster(), id)
    if (broker === null) {
      const known = this.#cluster!.brokers.map((one) => one.id).join(', ')
      throw new ClientError('unreachable', `there is no broker ${id} in the cluster; it has ${known || 'none'}`)
    }
    try {
      return await this.#pool.connectionTo(broker, timeoutMs, channel)
    } catch (error) {
      if (!(error instanceof ClientError) || error.kind !== 'unreachable') throw error
      const hint = `broker ${id} advertises ${error.message}; odradek doctor ${formatAddress(this.#bootstrap[0]!)} tells more`
      throw new ClientError('unreachable', hint, { cause: error })
    }
  }

  async #anyConnection(timeoutMs: number, channel?: string): Promise<BrokerConnection> {
    const open = channel === undefined ? await this.#pool.anyOpen() : null
    if (open !== null) return open
    const failures: ClientError[] = []
    const reasons: string[] = []
    const known = [...this.#bootstrap, ...(this.#cluster?.brokers ?? [])]
    for (const [address, one] of new Map(known.map((one) => [formatAddress(one), one]))) {
      try {
        return await this.#pool.connectionTo(one, timeoutMs, channel)
      } catch (error) {
        if (!(error instanceof ClientError) || error.kind === 'closed') throw error
        failures.push(error)
        reasons.push(error.message.startsWith(address) ? error.message : `${address}: ${error.message}`)
      }
    }
    throw new ClientError('unreachable', `no broker answers: ${reasons.join('; ')}`, {
      cause: new AggregateError(failures),
    })
  }

  async #coordinatorOf(to: { readonly group: string } | { readonly transactionalId: string }): Promise<number> {
    const name = coordinatorKey(to)
    const known = this.#coordinators.get(name)
    if (known !== undefined) return known
    const key = 'group' in to ? to.group : to.transactionalId
    const keyType = 'group' in to ? GROUP_KEY : TRANSACTION_KEY
    const request = { key, keyType, coordinatorKeys: [] }
    const found = await this.send(FindCoordinator, request, 'any', { maxVersion: SINGLE_KEY_VERSION })
    refuseError(`looking for the coordinator of ${name}`, found.errorCode, found.errorMessage)
    if (brokerOf(this.#cluster, found.nodeId) === null) await this.cluster()
    this.#coordinators.set(name, found.nodeId)
    return found.nodeId
  }

  #forget(to: Target): void {
    if (to === 'any') return
    this.#cluster = null
    if (typeof to === 'object' && !('brokerId' in to)) this.#coordinators.delete(coordinatorKey(to))
  }
}

function brokerOf(cluster: Cluster | null, id: number): ClusterBroker | null {
  return cluster?.brokers.find((broker) => broker.id === id) ?? null
}

function coordinatorKey(to: { readonly group: string } | { readonly transactionalId: string }): string {
  return 'group' in to ? `the group ${to.group}` : `the transactional id ${to.transactionalId}`
}

function movedCodes(to: Target): ReadonlySet<number> {
  if (to === 'controller') return MOVED_CONTROLLER
  return typeof to === 'object' && !('brokerId' in to) ? MOVED_COORDINATOR : NEVER
}

/** Whether one of the codes stands anywhere in an answer. */
function hasCode(answer: unknown, codes: ReadonlySet<number>): boolean {
  if (codes.size === 0 || typeof answer !== 'object' || answer === null || Buffer.isBuffer(answer)) return false
  if (Array.isArray(answer)) return answer.some((one) => hasCode(one, codes))
  return Object.entries(answer).some(([name, value]) =>
    name === 'errorCode' ? codes.has(value as number) : hasCode(value, codes),
  )
}

function isWorthRepeating(error: unknown, api: Api): error is ClientError {
  if (!(error instanceof ClientError)) return false
  if (error.kind === 'unreachable') return !isUnknownHost(error)
  if (error.kind === 'refused') return MOVED_COORDINATOR.has(error.errorCode ?? 0)
  return error.kind === 'disconnected' && !NOT_REPEATED.has(api.key)
}

/** A name that nobody knows is not known a moment later. */
function isUnknownHost(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error as NodeJS.ErrnoException).code === 'ENOTFOUND' || isUnknownHost(error.cause)
}
