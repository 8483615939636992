import { ErrorCode } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { type Address, formatAddress } from '../../client/address.ts'
import { BrokerConnection } from '../../client/broker-connection.ts'
import { ClientError } from '../../client/client-error.ts'
import {
  type Cluster,
  type ClusterBroker,
  clusterOf,
  type TopicMetadata,
  topicsOf,
} from '../../client/cluster-metadata.ts'
import type { Clock } from '../../io/clock.ts'
import type { Dialer } from '../../io/dialer.ts'
import type { Resolver } from '../../io/resolver.ts'
import { RESOURCE_TYPES } from '../configs/config-resource.ts'
import { counted } from '../table.ts'
import {
  ADVICE_HTTP,
  ADVICE_SILENT,
  ADVICE_TLS,
  adviceForUnreachable,
  adviceToAdvertise,
  type Check,
  type Diagnosis,
  isAnyAddress,
  isLoopback,
} from './diagnosis.ts'

/** What the doctor looks with. */
export interface Instruments {
  readonly dialer: Dialer
  readonly resolver: Resolver
  readonly clock: Clock
  readonly timeoutMs: number
  speaksTls(host: string, port: number, timeoutMs: number): Promise<boolean>
}

interface Visit {
  readonly connection: BrokerConnection
  readonly cluster: Cluster
  readonly topics: readonly TopicMetadata[]
}

const MAX_REPLY_BYTES = 64 * 1024 * 1024

/** Does what a client does with a bootstrap address, and says of each step what came of it. Never throws for a broker's sake. */
export class Examination {
  readonly #instruments: Instruments
  readonly #address: Address
  readonly #checks: Check[] = []
  readonly #advice = new Set<string>()
  #given: readonly string[] = []

  constructor(address: Address, instruments: Instruments) {
    this.#address = address
    this.#instruments = instruments
  }

  async run(): Promise<Diagnosis> {
    const visit = await this.#visit(this.#address)
    if (visit !== null) {
      try {
        await this.#examineCluster(visit)
      } finally {
        await visit.connection.close()
      }
    }
    return {
      address: formatAddress(this.#address),
      ok: this.#checks.every(({ ok }) => ok),
      checks: this.#checks,
      advice: [...this.#advice],
    }
  }

  #note(step: Check['step'], ok: boolean, text: string, brokerId?: number): void {
    this.#checks.push({ step, ok, text, ...(brokerId === undefined ? {} : { brokerId }) })
  }

  async #visit(address: Address): Promise<Visit | null> {
    const { resolver } = this.#instruments
    try {
      this.#given = await resolver.lookup(address.host)
      this.#note('name', true, nameText(address.host, this.#given))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      this.#note('name', false, `${address.host} cannot be resolved (${code ?? message})`)
      for (const advice of adviceForUnreachable(address, 'ENOTFOUND')) this.#advice.add(advice)
      return null
    }
    try {
      const visit = await this.#connect(address)
      const { connection, cluster } = visit
      this.#note('connection', true, `${connection.remoteAddress} port ${address.port} accepts connections`)
      this.#note('protocol', true, `it speaks Kafka: ${counted(connection.apiVersions.apiKeys.length, 'API')}`)
      this.#note('cluster', true, `cluster ${cluster.clusterId}, ${counted(cluster.brokers.length, 'broker')}`)
      return visit
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      await this.#explain(address, error)
      return null
    }
  }

  async #connect(address: Address): Promise<Visit> {
    const { dialer, clock, timeoutMs } = this.#instruments
    const options = { dialer, clock, timeoutMs, clientId: 'odradek-doctor', maxReplyBytes: MAX_REPLY_BYTES }
    const connection = await BrokerConnection.open(address, options)
    try {
      const request = {
        topics: null,
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      }
      const answer = await connection.send(Metadata, connection.versionOf(Metadata), request, timeoutMs)
      return { connection, cluster: clusterOf(answer), topics: topicsOf(answer) }
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async #explain(address: Address, error: ClientError): Promise<void> {
    if (error.kind === 'unreachable') {
      this.#note('connection', false, `${formatAddress(address)}: ${error.message}`)
      const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
      for (const advice of adviceForUnreachable(address, code)) this.#advice.add(advice)
      return
    }
    this.#note('connection', true, `${formatAddress(address)} accepts connections`)
    const { host, port } = address
    const isTls =
      error.message.includes('TLS') || (await this.#instruments.speaksTls(host, port, this.#instruments.timeoutMs))
    if (isTls) {
      this.#note('protocol', false, 'it speaks TLS, and was spoken to in plaintext')
      this.#advice.add(ADVICE_TLS)
      return
    }
    this.#note('protocol', false, `it does not speak Kafka: ${error.message}`)
    this.#advice.add(error.message.includes('HTTP') ? ADVICE_HTTP : ADVICE_SILENT)
  }

  async #examineCluster({ cluster, topics }: Visit): Promise<void> {
    if (cluster.brokers.length === 0) {
      this.#note('cluster', false, 'the cluster names no broker that a client could go to')
      this.#advice.add('Look at the log of the broker: it is starting, or it has lost the controller.')
    }
    for (const broker of cluster.brokers) await this.#examineBroker(broker, cluster)
    const partitions = topics.flatMap((topic) => topic.partitions)
    const leaderless = partitions.filter(({ leader }) => leader < 0).length
    const own = topics.filter(({ internal }) => !internal)
    const ownPartitions = own.flatMap((topic) => topic.partitions)
    const count = `${counted(own.length, 'topic')}, ${counted(ownPartitions.length, 'partition')}`
    this.#note(
      'topics',
      leaderless === 0,
      leaderless === 0 ? `${count}, all with a leader` : `${count}, ${leaderless} without a leader`,
    )
    if (leaderless > 0) {
      this.#advice.add('Start the brokers that hold the partitions without a leader: nobody can read or write these.')
    }
  }

  /** Clients go where a broker says it is, whatever address they began with. */
  async #examineBroker(broker: ClusterBroker, cluster: Cluster): Promise<void> {
    const { id } = broker
    const where = formatAddress(broker)
    const wrong = (text: string) => {
      this.#note('broker', false, text, id)
      this.#advice.add(adviceToAdvertise(this.#address, id, cluster.brokers.length > 1))
    }
    if (isAnyAddress(broker.host)) return wrong(`advertises ${where}, which is no address that one can go to`)
    const found = await this.#instruments.resolver.lookup(broker.host).catch(() => null)
    if (found === null) return wrong(`advertises ${where}, and nobody here knows the host ${broker.host}`)
    const strays = found.every(isLoopback) && !this.#given.some(isLoopback)
    let visit: Visit
    try {
      visit = await this.#connect(broker)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      if (strays) return wrong(`advertises ${where} to clients on other machines, where that is their own machine`)
      const gone = error.kind === 'unreachable' ? error.message : `does not speak Kafka there: ${error.message}`
      return wrong(`advertises ${where}: ${gone}`)
    }
    try {
      const problem = await this.#identityProblem(visit, id, cluster)
      if (problem !== null) return wrong(`advertises ${where}, and there ${problem}`)
      if (strays) return wrong(`advertises ${where}, which leads to it from this machine alone`)
    } finally {
      await visit.connection.close()
    }
    const direct = where === formatAddress(this.#address)
    this.#note(
      'broker',
      true,
      direct ? `is at ${where}, as given` : `is at ${where}, where clients go on from here`,
      id,
    )
  }

  /** Null when it is the broker that was meant. */
  async #identityProblem({ connection, cluster }: Visit, id: number, expected: Cluster): Promise<string | null> {
    if (cluster.clusterId !== expected.clusterId) return `another cluster answers: ${cluster.clusterId}`
    // A broker refuses to tell of another's settings: that way it can be asked whether it is the one.
    const resource = { resourceType: RESOURCE_TYPES.broker, resourceName: String(id), configurationKeys: ['node.id'] }
    const request = { resources: [resource], includeSynonyms: false, includeDocumentation: false }
    const version = connection.versionOf(DescribeConfigs)
    const answer = await connection.send(DescribeConfigs, version, request, this.#instruments.timeoutMs)
    const { errorCode, errorMessage } = answer.results[0]!
    return errorCode === ErrorCode.INVALID_REQUEST ? `another broker of the cluster answers: ${errorMessage}` : null
  }
}

function nameText(host: string, addresses: readonly string[]): string {
  const [only] = addresses
  return only === host ? `${host} is an address` : `${host} is ${addresses.join(', ')}`
}
