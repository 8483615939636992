import { lookup } from 'node:dns/promises'
import { AbstractStartedContainer, type RestartOptions, type StartedTestContainer } from 'testcontainers'
import type { RequestFault } from '../broker/request-fault-spec.ts'
import type { FaultRule } from '../io/fault-rules.ts'
import { SharedBroker } from '../runners/shared-broker.ts'
import type { GroupMilestone } from '../testing/group-watch.ts'
import type { Message } from '../testing/message.ts'
import type { TopicSpec } from '../testing/topic-spec.ts'
import type { WaitForGroupOptions, WaitOptions } from '../testing/wait-options.ts'
import { bootstrapServers, CLIENT_PORT, HTTP_PORT, NETWORK_PORT } from './container-listeners.ts'

/** A fault as it goes over HTTP: `*` in a name stands for any characters, and there are no RegExps. */
export type ContainerFault = Omit<RequestFault, 'topic' | 'groupId' | 'clientId'> & {
  /** A request that names such a topic, or asks for all of them. */
  readonly topic?: string
  /** A request that names such a group. */
  readonly groupId?: string
  /** A request of such a client. */
  readonly clientId?: string
}

interface Arrangement {
  readonly brokers: number
  readonly networkAlias: string | undefined
  /** The port that clients use for one of the container. */
  readonly addressOf: (containerPort: number) => number
  readonly whileRestarting: (restart: () => Promise<void>) => Promise<void>
}

/** A running Odradek in a container, and what a test wants of it. */
export class StartedOdradekContainer extends AbstractStartedContainer {
  readonly #arrangement: Arrangement

  /** @internal */
  constructor(container: StartedTestContainer, arrangement: Arrangement) {
    super(container)
    this.#arrangement = arrangement
  }

  /** `host:port` of all brokers, comma-separated: what clients call bootstrap.servers. */
  getBootstrapServers(): string {
    const { addressOf, brokers } = this.#arrangement
    return bootstrapServers({ host: this.getHost(), port: addressOf(CLIENT_PORT) }, brokers)
  }

  /** The same for other containers of its Docker network. Throws where withNetworkAliases() has given it no name there. */
  getNetworkBootstrapServers(): string {
    const { networkAlias, brokers } = this.#arrangement
    if (networkAlias === undefined) throw new Error('the container has no name in a network: use withNetworkAliases()')
    return bootstrapServers({ host: networkAlias, port: NETWORK_PORT }, brokers)
  }

  /** `http://host:port` of the HTTP side. */
  getHttpUrl(): string {
    return this.#httpUrl(this.getHost())
  }

  /** Resolves when all can be produced to. Throws, naming each topic that could not be created; the others are. */
  async createTopics(topics: readonly (string | TopicSpec)[]): Promise<void> {
    return (await this.#broker()).createTopics(topics)
  }

  /** The records of a topic, partition after partition, the first 10,000. Throws when there is no such topic. */
  async messages(topic: string): Promise<Message[]> {
    return (await this.#broker()).messages(topic)
  }

  /** Resolves with the first `count` messages of a topic. Throws when they are not there in time, saying how many are. */
  async waitForMessages(topic: string, count: number, options: WaitOptions = {}): Promise<Message[]> {
    return (await this.#broker()).waitForMessages(topic, count, options)
  }

  /** Resolves when a group is that far. Throws when it is not in time, saying what it lacks. */
  async waitForGroup(group: string, milestone: GroupMilestone, options: WaitForGroupOptions = {}): Promise<void> {
    return (await this.#broker()).waitForGroup(group, milestone, options)
  }

  /** Has requests go wrong. The answer has the id of the rule. */
  async addFault(fault: ContainerFault): Promise<FaultRule> {
    return (await this.request('POST', '/faults', fault)) as FaultRule
  }

  /** The rules there are, with how often each fired. */
  async faults(): Promise<readonly FaultRule[]> {
    return ((await this.request('GET', '/faults')) as { faults: readonly FaultRule[] }).faults
  }

  /** Nothing goes wrong on purpose any more. */
  async clearFaults(): Promise<void> {
    await this.request('DELETE', '/faults')
  }

  /** As new: no topics but those of withTopics(), no groups, no faults. Clients stay connected, members join again. */
  async reset(): Promise<void> {
    await this.request('POST', '/reset')
  }

  /** Anything else of the HTTP side; `GET /` lists what there is. Throws with the reason of a refusal. */
  async request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    return (await this.#broker()).request(method, path, body)
  }

  /** Resolves when clients can connect again. The engine may have given it other ports: ask for the addresses again. */
  override restart(options: Partial<RestartOptions> = {}): Promise<void> {
    return this.#arrangement.whileRestarting(() => super.restart(options))
  }

  /**
   * Made anew each time: after a restart the ports are others. By address, since the HTTP side answers to no names but
   * this machine's own, and an engine may be reached by any, such as `docker` in a job of GitLab.
   */
  async #broker(): Promise<SharedBroker> {
    const host = this.getHost()
    const { address } = host === 'localhost' ? { address: host } : await lookup(host)
    return new SharedBroker({ bootstrapServers: this.getBootstrapServers(), httpUrl: this.#httpUrl(address) }, '')
  }

  #httpUrl(host: string): string {
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#arrangement.addressOf(HTTP_PORT)}`
  }
}
