import type { Api, DecodedResponseOf, RequestInputOf } from '../../protocol/codec/schema.ts'
import type { Clock } from '../io/clock.ts'
import type { Dialer } from '../io/dialer.ts'
import type { Random } from '../io/random.ts'
import { parseBootstrapServers } from './address.ts'
import type { ApiVersionsAnswer } from './broker-connection.ts'
import type { Cluster, TopicMetadata } from './cluster-metadata.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { ConsumedRecord } from './fetched-records.ts'
import { GroupConsumer, type GroupConsumerOptions } from './group-consumer.ts'
import { type CommittedOffset, commitOffsets, fetchOffsets } from './group-offsets.ts'
import { type FoundOffset, listOffsets, type OffsetOptions, type OffsetQuery } from './list-offsets.ts'
import { type ProducedBatch, type ProducedRecord, type ProduceOptions, Producer } from './producer.ts'
import { type ReadOptions, type ReadPosition, readRecordBatches } from './record-stream.ts'
import { RequestRouter, type SendOptions, type Target } from './request-router.ts'
import { TopicLeaders, type TopicPartition } from './topic-leaders.ts'

export interface KafkaClientOptions {
  /** `host:port`, several separated by commas; an IPv6 address in brackets. */
  readonly bootstrapServers: string
  /** `odradek` by default. */
  readonly clientId?: string
  /** How long a request may take, its repetitions included; 30,000 by default. */
  readonly requestTimeoutMs?: number
  /** How long a connection may take that is tried once; 10,000 by default. */
  readonly connectTimeoutMs?: number
  /** A larger reply ends the connection; 128 MiB by default. */
  readonly maxReplyBytes?: number
}

export interface KafkaClientDependencies {
  readonly dialer: Dialer
  readonly clock: Clock
  readonly random: Random
}

const REQUEST_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000
const MAX_REPLY_BYTES = 128 * 1024 * 1024

/**
 * A Kafka client on our own codec, for tools: any API in the newest version that both sides have, and the few things
 * that most tools do. Every failure is a ClientError with words for a person.
 *
 *     const client = await KafkaClient.connect({ bootstrapServers: 'localhost:9092' }, nodeDependencies)
 *     const { brokers } = await client.cluster()
 */
export class KafkaClient {
  readonly #pool: ConnectionPool
  readonly #router: RequestRouter
  readonly #leaders: TopicLeaders
  readonly #producer: Producer

  /** Finds a bootstrap server that answers. Throws ClientError that says of every address why it does not. */
  static async connect(options: KafkaClientOptions, dependencies: KafkaClientDependencies): Promise<KafkaClient> {
    const client = new KafkaClient(options, dependencies)
    try {
      await client.#router.connectionFor('any', options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS)
    } catch (error) {
      await client.close()
      throw error
    }
    return client
  }

  private constructor(options: KafkaClientOptions, { dialer, clock, random }: KafkaClientDependencies) {
    const { clientId = 'odradek', maxReplyBytes = MAX_REPLY_BYTES } = options
    this.#pool = new ConnectionPool({ dialer, clock, clientId, maxReplyBytes })
    this.#router = new RequestRouter({
      pool: this.#pool,
      clock,
      bootstrap: parseBootstrapServers(options.bootstrapServers),
      timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    })
    this.#leaders = new TopicLeaders(this.#router)
    this.#producer = new Producer(this.#router, this.#leaders, random)
  }

  /** See RequestRouter.send: codes in the answer are the caller's. */
  send<A extends Api>(
    api: A,
    request: RequestInputOf<A>,
    to: Target = 'any',
    options: SendOptions = {},
  ): Promise<DecodedResponseOf<A>> {
    return this.#router.send(api, request, to, options)
  }

  /** The version that `send` would use. Throws ClientError when there is none. */
  async versionOf(api: Api, to: Target = 'any', maxVersion?: number): Promise<number> {
    return (await this.#router.connectionFor(to)).versionOf(api, maxVersion)
  }

  /** What a broker said that it can do, its features too. */
  async apiVersions(to: Target = 'any'): Promise<ApiVersionsAnswer> {
    return (await this.#router.connectionFor(to)).apiVersions
  }

  /** Asked anew each time. */
  cluster(): Promise<Cluster> {
    return this.#router.cluster()
  }

  /** Null means all, ordered by name. A topic that does not exist is there, with its error code and no partitions. */
  topics(names: readonly string[] | null): Promise<TopicMetadata[]> {
    return this.#router.topics(names)
  }

  /** The offsets of points in time, in the order of the queries. */
  offsets(queries: readonly OffsetQuery[], options: OffsetOptions = {}): Promise<FoundOffset[]> {
    return listOffsets(this.#router, this.#leaders, queries, options)
  }

  produce(topic: string, records: readonly ProducedRecord[], options: ProduceOptions = {}): Promise<ProducedBatch[]> {
    return this.#producer.produce(topic, records, options)
  }

  /** Records of the partitions, one after the other; ends where the positions say, or with the signal. */
  async *records(
    positions: readonly ReadPosition[],
    options: ReadOptions = {},
  ): AsyncGenerator<ConsumedRecord, void, undefined> {
    for await (const batch of this.recordBatches(positions, options)) yield* batch
  }

  /** The same, as many at a time as an answer held. */
  recordBatches(
    positions: readonly ReadPosition[],
    options: ReadOptions = {},
  ): AsyncGenerator<readonly ConsumedRecord[], void, undefined> {
    return readRecordBatches(this.#router, this.#leaders, positions, options)
  }

  /** A member of a classic group; it joins when its batches are asked for. */
  groupConsumer(options: GroupConsumerOptions): GroupConsumer {
    return new GroupConsumer(this.#router, this.#leaders, options)
  }

  /** What a group has committed: of some partitions, or of all; without those where it has nothing. */
  committedOffsets(group: string, partitions: readonly TopicPartition[] | null = null): Promise<CommittedOffset[]> {
    return fetchOffsets(this.#router, group, partitions)
  }

  /** From outside the group, which must have no members. Throws ClientError at the first that is refused. */
  commitOffsets(group: string, offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    return commitOffsets(this.#router, group, offsets)
  }

  /** Requests that are under way fail. Resolves when every connection is gone. */
  close(): Promise<void> {
    return this.#pool.close()
  }
}
