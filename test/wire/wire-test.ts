import type { Api, Fields, InputOf, Message, ValueOf } from '../../protocol/codec/schema.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { differences, type Expected, perhaps, text } from './matcher.ts'
import { completeExpectation, presentFields } from './present-fields.ts'
import { type RequestOptions, sleep, WireClient } from './wire-client.ts'

/** Where the broker under test listens, and which of the two it is. */
export interface WireTarget {
  readonly kind: 'kafka' | 'odradek'
  readonly host: string
  readonly port: number
}

export interface TestTopic {
  readonly name: string
  readonly id: string
}

export interface NewTestTopic {
  readonly name?: string
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string>>
}

/** An answer that differs on purpose, and the reason for it. */
export interface Differs<K, O> {
  readonly kafka: K
  readonly odradek: O
  readonly why: string
}

/** The attempts it takes a real Kafka to make what it has announced; 30 s. */
const ATTEMPTS = 600
const RETRY_MS = 50
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const COORDINATOR_NOT_READY = new Set([14, 15, 16])

let uniqueNumber = 0
const runId = Math.random().toString(36).slice(2, 8)

/** What a case is given: connections, names nobody else uses, and the comparison of answers. */
export class WireTest {
  readonly target: WireTarget
  readonly #clients: WireClient[] = []
  #client: WireClient | undefined

  constructor(target: WireTarget) {
    this.target = target
  }

  get isKafka(): boolean {
    return this.target.kind === 'kafka'
  }

  /** The value for the broker under test. */
  differs<K, O>({ kafka, odradek, why }: Differs<K, O>): K | O {
    if (why === '') throw new Error('a difference needs its reason')
    return this.isKafka ? kafka : odradek
  }

  /** Where Kafka leaves the reason out. */
  get noMessage(): Expected<string | null> {
    return this.differs({
      kafka: null,
      odradek: perhaps(text),
      why: 'a reason helps whoever reads the log of a client; none is fine too',
    })
  }

  /** The case's main connection. */
  async client(): Promise<WireClient> {
    this.#client ??= await this.connect()
    return this.#client
  }

  /** One more connection. */
  async connect(clientId: string | null = 'wire'): Promise<WireClient> {
    const client = await WireClient.open(this.target.host, this.target.port, clientId)
    this.#clients.push(client)
    return client
  }

  unique(stem: string): string {
    return `${stem}-${runId}-${++uniqueNumber}`
  }

  async call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    options?: RequestOptions,
  ): Promise<ValueOf<S>> {
    return (await this.client()).call(api, version, request, options)
  }

  /** Sends on the main connection and demands this answer, in every field that the version has. */
  async expect<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    expected: Expected<ValueOf<S>>,
    options?: RequestOptions,
  ): Promise<ValueOf<S>> {
    return this.expectOn(await this.client(), api, version, request, expected, options)
  }

  async expectOn<Q extends Fields, S extends Fields>(
    client: WireClient,
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    expected: Expected<ValueOf<S>>,
    options?: RequestOptions,
  ): Promise<ValueOf<S>> {
    const answer = await client.call(api, version, request, options)
    this.compare(api, version, answer, expected)
    return answer
  }

  /** For an answer that was awaited in the background. */
  compare<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    answer: ValueOf<S>,
    expected: Expected<ValueOf<S>>,
  ): void {
    const message = api.response as unknown as Message
    const present = presentFields(message, version, answer)
    const complete = completeExpectation(message, version, expected)
    this.same(present, complete, `${api.name} v${version}`)
  }

  same(actual: unknown, expected: unknown, what: string): void {
    const found = differences(actual, expected, what)
    if (found.length > 0) throw new Error(found.join('\n'))
  }

  /** A topic of its own, usable when this returns. Kafka announces a topic before it can be used. */
  async topic({ name = this.unique('topic'), partitions = 1, configs = {} }: NewTestTopic = {}): Promise<TestTopic> {
    const answer = await this.call(CreateTopics, 7, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 30_000,
      validateOnly: false,
    })
    const { errorCode, errorMessage, topicId } = answer.topics[0]!
    if (errorCode !== 0) throw new Error(`topic ${name} was refused with ${errorCode}: ${errorMessage}`)
    await this.untilUsable(name, partitions)
    return { name, id: topicId }
  }

  /** Kafka announces a topic first and leads its partitions a little later; we have to be ready at once. */
  async untilUsable(name: string, partitions: number): Promise<void> {
    if (!this.isKafka) return
    const indexes = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
    await this.eventually(`topic ${name} to be usable`, async () => {
      const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: indexes }] }
      const { topics } = await this.call(ListOffsets, 4, request)
      return topics[0]!.partitions.every(({ errorCode }) => errorCode === 0)
    })
  }

  /** Kafka forgets a topic in its own time. */
  async untilGone(name: string): Promise<void> {
    if (!this.isKafka) return
    await this.eventually(`topic ${name} to be gone`, async () => {
      const { topics } = await this.call(Metadata, 12, {
        topics: [{ name }],
        allowAutoTopicCreation: false,
        includeTopicAuthorizedOperations: false,
      })
      return topics[0]?.errorCode === 3
    })
  }

  /** A group id whose coordinator answers: on a fresh Kafka that takes a while. */
  async group(): Promise<string> {
    const name = this.unique('group')
    await this.untilCoordinated(name)
    return name
  }

  async untilCoordinated(group: string): Promise<void> {
    if (!this.isKafka) return
    await this.eventually(`the coordinator of ${group}`, async () => {
      const { coordinators } = await this.call(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [group] })
      if (coordinators[0]?.errorCode !== 0) return false
      const { groups } = await this.call(DescribeGroups, 0, { groups: [group] })
      return !COORDINATOR_NOT_READY.has(groups[0]!.errorCode)
    })
  }

  /** Tries again until it is so. For what Kafka does in its own time; never to wait for us. */
  async eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await isSo()) return
      await sleep(RETRY_MS)
    }
    throw new Error(`waited in vain for ${what}`)
  }

  end(): void {
    for (const client of this.#clients) client.close()
  }
}
