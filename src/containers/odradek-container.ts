import { GenericContainer, getContainerPort, getContainerRuntimeClient, Wait } from 'testcontainers'
import { nodeClock } from '../io/node-clock.ts'
import { nodeRandom } from '../io/node-random.ts'
import type { TopicSpec } from '../testing/topic-spec.ts'
import { until } from '../testing/waiting.ts'
import {
  advertisedListeners,
  CLIENT_PORT,
  environmentVariable,
  HTTP_PORT,
  listenerEnvironment,
  MOST_BROKERS,
} from './container-listeners.ts'
import { RecentOutput } from './recent-output.ts'
import { openGate, START_GATE } from './start-gate.ts'
import { StartedOdradekContainer } from './started-odradek-container.ts'

/** What `docker build -t odradek .` makes. */
const DEFAULT_IMAGE = 'odradek:latest'
const START_COMMAND = '/etc/kafka/docker/run'
/** What the image prints once every listener accepts. */
const READY = /Kafka Server started/
const TOPICS_FILE = '/tmp/odradek-topics.json'
const STARTUP_TIMEOUT_MS = 60_000
/** Below the ports that a kernel gives to outgoing connections. */
const FIRST_HOST_PORT = 20_000
const HOST_PORTS = 10_000
const ATTEMPTS = 5
const PORT_TAKEN = /port is already allocated|address already in use|ports are not available/i

/**
 * A container of the Odradek image, for tests with Testcontainers.
 *
 * ```ts
 * const container = await new OdradekContainer().withTopics('orders').start()
 * const kafka = new Kafka({ brokers: container.getBootstrapServers().split(',') })
 * ```
 */
export class OdradekContainer extends GenericContainer {
  #topics: readonly (string | TopicSpec)[] = []
  #brokers = 1
  #containerId: string | null = null
  #output: RecentOutput | null = null

  /** `odradek:latest`, unless another image is named. */
  constructor(image: string = DEFAULT_IMAGE) {
    super(image)
    this.withCommand([START_COMMAND])
    this.withEnvironment({ KAFKA_ODRADEK_HTTP_LISTENER: `0.0.0.0:${HTTP_PORT}` })
    this.withWaitStrategy(Wait.forLogMessage(READY))
    this.withStartupTimeout(STARTUP_TIMEOUT_MS)
  }

  /** Topics that are there when `start()` resolves, and again after a `reset()`; a name stands for one partition. */
  withTopics(...topics: (string | TopicSpec)[]): this {
    this.#topics = [...this.#topics, ...topics]
    return this
  }

  /** So many brokers that clients see, with ids from 1 on, all in this container; 1 by default, 64 at most. */
  withBrokers(count: number): this {
    if (!Number.isInteger(count) || count < 1 || count > MOST_BROKERS) {
      throw new RangeError(`withBrokers(${count}): from 1 to ${MOST_BROKERS}`)
    }
    this.#brokers = count
    return this.withConfig({ 'odradek.virtual.brokers': count })
  }

  /** Kafka's broker settings by name. */
  withConfig(settings: Readonly<Record<string, string | number | boolean>>): this {
    const variables = Object.entries(settings).map(([name, value]) => [environmentVariable(name), String(value)])
    return this.withEnvironment(Object.fromEntries(variables))
  }

  /** Resolves when clients can connect and the topics are there. */
  override async start(): Promise<StartedOdradekContainer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#startOnce()
      } catch (error) {
        // Only ports in a row are chosen here, and somebody may have one of them.
        const isPortTaken = error instanceof Error && PORT_TAKEN.test(error.message)
        if (this.#brokers === 1 || !isPortTaken || attempt === ATTEMPTS) throw this.#output?.explain(error) ?? error
        await this.#removeFailed()
      } finally {
        this.#output?.close()
        this.#output = null
      }
    }
  }

  async #startOnce(): Promise<StartedOdradekContainer> {
    const container = await super.start()
    const onHost = this.#isOnHost
    return new StartedOdradekContainer(container, {
      brokers: this.#brokers,
      networkAlias: this.networkAliases[0],
      addressOf: (port) => (onHost ? port : container.getMappedPort(port)),
      // What a restart waits for comes only when the gate is open.
      whileRestarting: async (restart) => {
        if (onHost) return restart()
        const before = await this.#startedAt(container.getId())
        await Promise.all([restart(), this.#openGate(container.getId(), before)])
      },
    })
  }

  /** The network of the host has no mapped ports: what the broker listens on is what clients use. */
  get #isOnHost(): boolean {
    return this.networkMode === 'host'
  }

  protected override async beforeContainerCreated(): Promise<void> {
    this.#addTopics()
    if (this.#isOnHost) return
    this.withEnvironment(listenerEnvironment(this.networkAliases[0]))
    this.withEntrypoint([...START_GATE])
    if (!this.hasExposedPort(HTTP_PORT)) this.withExposedPorts(HTTP_PORT)
    this.#exposeClientPorts()
  }

  /** As a file: values of settings may have commas and colons. */
  #addTopics(): void {
    if (this.#topics.length === 0) return
    const topics = this.#topics.map((topic) => (typeof topic === 'string' ? { name: topic } : topic))
    const entries = topics.map(({ name, partitions = 1, replicationFactor, config = {} }) => {
      const configs = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]))
      return { name, partitions, replicationFactor, configs }
    })
    this.withCopyContentToContainer([{ content: JSON.stringify(entries), target: TOPICS_FILE, mode: 0o444 }])
    this.withEnvironment({ KAFKA_ODRADEK_TOPICS_FILE: TOPICS_FILE })
  }

  /** One broker has whatever port the engine picks; of several each must be told its own, so theirs are a row. */
  #exposeClientPorts(): void {
    if (this.#brokers === 1) {
      if (!this.hasExposedPort(CLIENT_PORT)) this.withExposedPorts(CLIENT_PORT)
      return
    }
    const ports = Array.from({ length: this.#brokers }, (_, index) => CLIENT_PORT + index)
    this.exposedPorts = this.exposedPorts.filter((port) => !ports.includes(getContainerPort(port)))
    const first = FIRST_HOST_PORT + nodeRandom.below(HOST_PORTS - this.#brokers)
    this.withExposedPorts(...ports.map((container, index) => ({ container, host: first + index })))
  }

  protected override async containerCreated(containerId: string): Promise<void> {
    this.#containerId = containerId
  }

  protected override async containerStarting(): Promise<void> {
    const { container: engine } = await getContainerRuntimeClient()
    this.#output = new RecentOutput(await engine.logs(engine.getById(this.#containerId!)))
    if (!this.#isOnHost) await this.#openGate(this.#containerId!, null)
  }

  /** Waits until the container runs, again if it ran before, and tells it where its ports are. */
  async #openGate(containerId: string, startedBefore: string | null): Promise<void> {
    const { container: engine, info } = await getContainerRuntimeClient()
    const container = engine.getById(containerId)
    let port: number | null = null
    await until(nodeClock, STARTUP_TIMEOUT_MS, 'the container', async () => {
      const { State: state, NetworkSettings: network } = await engine.inspect(container)
      port = state.StartedAt === startedBefore ? null : hostPort(network.Ports)
      return state.Running && port !== null ? null : `it is ${state.Status}`
    })
    const outside = { host: info.containerRuntime.host, port: port! }
    const command = openGate(advertisedListeners(outside, this.networkAliases[0]))
    const { exitCode, output } = await engine.exec(container, command)
    if (exitCode !== 0) throw new Error(`the container cannot be told its address: ${output}`)
  }

  async #startedAt(containerId: string): Promise<string> {
    const { container: engine } = await getContainerRuntimeClient()
    return (await engine.inspect(engine.getById(containerId))).State.StartedAt
  }

  /** Nothing else would remove one that was created and could not be started. */
  async #removeFailed(): Promise<void> {
    if (this.#containerId === null) return
    const { container: engine } = await getContainerRuntimeClient()
    await engine.remove(engine.getById(this.#containerId), { removeVolumes: true })
    this.#containerId = null
  }
}

type PortMap = Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>

/** Where the engine has mapped the clients' port; IPv4 where it has both, and they differ. */
function hostPort(ports: PortMap): number | null {
  const bindings = ports[`${CLIENT_PORT}/tcp`] ?? []
  const binding = bindings.find(({ HostIp }) => !HostIp.includes(':')) ?? bindings[0]
  return binding === undefined ? null : Number(binding.HostPort)
}
