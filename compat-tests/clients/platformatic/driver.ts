import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  compatibilityPartitioner,
  FetchIsolationLevels,
  type GroupAssignment,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  type Message,
  type MessagesStream,
  Producer,
} from '@platformatic/kafka'
import {
  ClientError,
  type ConfigOperation,
  type JoinRequest,
  type OffsetSpec,
  type OutgoingRecord,
  type PartitionOffset,
  type ProduceRequest,
  type ReadRequest,
  type ReceivedRecord,
  type TopicPartition,
} from '../../client.ts'
import { cached, findKafkaCode, MemberDiary, serve, toBase64, toBuffer } from '../node-driver.ts'
import { transactionHandlers } from './transactions.ts'

type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>

interface Member {
  consumer: Consumer
  stream: Stream
  diary: MemberDiary
}

const requestTimeoutMs = process.env['ODRADEK_COMPAT_REQUEST_TIMEOUT_MS']
const base = {
  clientId: 'compat-platformatic',
  bootstrapBrokers: (process.argv[2] ?? '').split(','),
  ...(requestTimeoutMs !== undefined && { requestTimeout: Number(requestTimeoutMs) }),
}

const producers = new Map<string, Promise<Producer>>()
const members = new Map<string, Member>()
const admin = new Admin({ ...base, retries: 3, retryDelay: 200, timeout: 10_000 })
const transactions = transactionHandlers({ base, message: outgoing, consumer: (name) => member(name).consumer })
let readers = 0

/** Where the partitioner put a record: the answer of a send tells offsets per partition only. */
const chosen = new WeakMap<object, number>()

function producerFor(request: ProduceRequest): Promise<Producer> {
  return cached(producers, `${request.idempotent} ${request.timeoutMs}`, async () => {
    const retries = Math.max(2, Math.ceil(request.timeoutMs / 300))
    return new Producer({ ...base, idempotent: request.idempotent, retries, retryDelay: 300, timeout: 20_000 })
  })
}

function outgoing(topic: string, record: OutgoingRecord) {
  const message: Parameters<Producer['send']>[0]['messages'][number] = { topic }
  const key = toBuffer(record.key)
  const value = toBuffer(record.value)
  if (key !== null) message.key = key
  if (value !== null) message.value = value
  if (record.partition !== null) message.partition = record.partition
  if (record.timestamp !== null) message.timestamp = BigInt(record.timestamp)
  const headers = record.headers.map(({ name, value }) => [Buffer.from(name), toBuffer(value)] as [Buffer, Buffer])
  if (headers.length > 0) message.headers = new Map(headers)
  return message
}

async function produce(request: ProduceRequest) {
  const producer = await producerFor(request)
  const { partitions } = await partitionCount(request)
  const messages = request.records.map((record) => {
    const message = outgoing(request.topic, record)
    message.partition ??= compatibilityPartitioner(message, message.key) % partitions
    chosen.set(message, message.partition)
    return message
  })
  const { offsets } = await producer.send({
    messages,
    acks: request.acks,
    compression: request.codec,
    autocreateTopics: request.autoCreate,
  })
  const nextOffsets = new Map((offsets ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
  const placed = messages.map((message) => {
    const partition = chosen.get(message) ?? -1
    const offset = nextOffsets.get(partition) ?? -1
    if (offset >= 0) nextOffsets.set(partition, offset + 1)
    return { partition, offset }
  })
  return { placed }
}

/** For the partitioner alone: a record that names its partition needs no look at the topic. */
async function partitionCount(request: ProduceRequest): Promise<{ partitions: number }> {
  if (request.records.every(({ partition }) => partition !== null)) return { partitions: 1 }
  const metadata = await (await producerFor(request)).metadata({
    topics: [request.topic],
    autocreateTopics: request.autoCreate,
  })
  return { partitions: metadata.topics.get(request.topic)?.partitionsCount ?? 1 }
}

function received(message: Message): ReceivedRecord {
  return {
    topic: message.topic,
    partition: message.partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: toBase64(message.key),
    value: toBase64(message.value),
    headers: message.headerEntries.map(([name, value]) => ({ name: name.toString(), value: toBase64(value) })),
  }
}

/** The client reads through groups only: a throw-away group, from given offsets. */
async function read(request: ReadRequest) {
  const isolated = request.isolation === 'read_committed'
  const consumer = new Consumer({
    ...base,
    groupId: `reader-platformatic-${process.pid}-${readers++}`,
    isolationLevel: isolated ? FetchIsolationLevels.READ_COMMITTED : FetchIsolationLevels.READ_UNCOMMITTED,
    maxWaitTime: 100,
    retries: 20,
    retryDelay: 200,
  })
  const records: ReceivedRecord[] = []
  const ranges = new Map(request.partitions.map(({ partition, from, until }) => [partition, { next: from, until }]))
  const metadata = await admin.metadata({ topics: [request.topic], forceUpdate: true })
  const count = metadata.topics.get(request.topic)?.partitionsCount ?? 0
  // It fetches all partitions it is assigned, those nobody asked for too.
  const offsets = Array.from({ length: count }, (_, partition) => {
    const offset = BigInt(ranges.get(partition)?.next ?? 0)
    return { topic: request.topic, partition, offset }
  })
  const stream = await consumer.consume({ topics: [request.topic], mode: 'manual', offsets, autocommit: false })
  const timer = setTimeout(
    () => stream.destroy(new Error(`read ${records.length} records, not all`)),
    request.timeoutMs,
  )
  try {
    for await (const message of stream) {
      const range = ranges.get(message.partition)
      const offset = Number(message.offset)
      if (range !== undefined && offset >= range.next && offset < range.until) {
        records.push(received(message))
        range.next = offset + 1
      }
      if ([...ranges.values()].every(({ next, until }) => next >= until)) break
    }
  } finally {
    clearTimeout(timer)
    await consumer.close(true)
  }
  return { records }
}

async function join(request: JoinRequest) {
  const consumer = new Consumer({
    ...base,
    groupId: request.group,
    ...(request.instanceId === null ? {} : { groupInstanceId: request.instanceId }),
    sessionTimeout: request.sessionTimeoutMs,
    rebalanceTimeout: request.sessionTimeoutMs,
    heartbeatInterval: 500,
    maxWaitTime: 200,
    isolationLevel:
      request.committedOnly === true ? FetchIsolationLevels.READ_COMMITTED : FetchIsolationLevels.READ_UNCOMMITTED,
    retries: 40,
    retryDelay: 300,
  })
  const diary = new MemberDiary()
  consumer.on('consumer:group:join', ({ assignments }) => {
    diary.revokedAll()
    diary.assigned(owned(assignments ?? []))
  })
  consumer.on('consumer:group:rebalance', () => diary.revokedAll())
  const options = { topics: request.topics, mode: 'committed', fallbackMode: request.reset, autocommit: false } as const
  const begin = async () => {
    const stream = await consumer.consume(options)
    stream.on('data', (message) => diary.received(received(message)))
    stream.on('error', (error) => {
      if (leaderIsGone(error)) {
        begin().catch(fail)
        return
      }
      fail(error)
    })
    members.set(request.member, { consumer, stream, diary })
  }
  const fail = (error: Error) => {
    diary.revokedAll()
    diary.failure = error.message
  }
  await begin()
  return {}
}

/** A fetch from a broker that has left the cluster ends the stream: applications begin another one. */
function leaderIsGone(error: Error): boolean {
  const causes = 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  return [error, ...causes].some(({ message }) => String(message).startsWith('Cannot find broker with node id'))
}

function owned(assignments: GroupAssignment[]): TopicPartition[] {
  return assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

function member(name: string): Member {
  const found = members.get(name)
  if (found === undefined) throw new Error(`no member ${name}`)
  return found
}

function byTopic<Entry extends { topic: string }>(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const entry of entries) groups.set(entry.topic, [...(groups.get(entry.topic) ?? []), entry])
  return groups
}

async function listOffset({ topic, partition, spec }: TopicPartition & { spec: OffsetSpec }) {
  const named = {
    earliest: ListOffsetTimestamps.EARLIEST,
    latest: ListOffsetTimestamps.LATEST,
    'max-timestamp': ListOffsetTimestamps.MAX,
  }
  const timestamp = typeof spec === 'number' ? BigInt(spec) : named[spec]
  const found = await admin.listOffsets({
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
  })
  const entry = found[0]?.partitions[0]
  if (entry === undefined) throw new ClientError('the answer is not about the partition', null)
  return { offset: Number(entry.offset), timestamp: Number(entry.timestamp) }
}

function change({ name, op, value }: ConfigOperation) {
  if (op === 'delete') return { name, configOperation: IncrementalAlterConfigOperationTypes.DELETE }
  const kinds = {
    set: IncrementalAlterConfigOperationTypes.SET,
    append: IncrementalAlterConfigOperationTypes.APPEND,
    subtract: IncrementalAlterConfigOperationTypes.SUBTRACT,
  }
  return { name, configOperation: kinds[op], value: value ?? '' }
}

async function describeTopic(topic: string) {
  const metadata = await admin.metadata({ topics: [topic], forceUpdate: true }).catch((error: Error) => {
    // What error 3 of the broker becomes here.
    if (error.message.startsWith('Unknown topic ')) throw new ClientError(error.message, 3)
    throw error
  })
  const found = metadata.topics.get(topic)
  if (found === undefined) throw new ClientError(`no topic ${topic} in the answer`, 3)
  const partitions = found.partitions.map(({ leader, replicas, isr }, partition) => ({
    partition,
    leader,
    replicas,
    isr,
  }))
  return { name: topic, topicId: found.id, partitions }
}

serve(
  {
    client: 'platformatic',
    version: '2.12.1',
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    missingOperations: {},
    missingFeatures: {
      'commit-metadata': '@platformatic/kafka commits offsets without metadata',
      'create-topic-validate-only': '@platformatic/kafka has no validateOnly',
      'refuses-unknown-partition': '@platformatic/kafka takes the number modulo the number of partitions',
      'fences-fetches':
        '@platformatic/kafka hands out what a fetch from before a rebalance brings for partitions it has given up',
      'looks-past-missing-leaders':
        '@platformatic/kafka takes a topic for unavailable as long as one of its partitions has no leader',
      'follows-moved-leaders':
        '@platformatic/kafka sends every retry of a fetch to the broker it asked first, also when another leads by now',
      'survives-recreated-topics':
        '@platformatic/kafka asks for the id of the deleted topic until it gives up: it does not look for another',
      'append-time': '@platformatic/kafka shows the timestamp of the producer for LogAppendTime too',
      'leaves-out-every-aborted-transaction':
        '@platformatic/kafka remembers one aborted transaction for each producer in a response, and hands out the records of the others',
      'cooperative-sticky': '@platformatic/kafka has eager assignors only',
    },
  },
  {
    ...transactions.handlers,
    produce,
    read,
    join,
    news: async ({ member: name }) => member(name).diary.take(),
    commit: async ({ member: name, offsets }) => {
      const commits = offsets.map(({ topic, partition, offset }) => ({
        topic,
        partition,
        offset: BigInt(offset),
        leaderEpoch: -1,
      }))
      await member(name).consumer.commit({ offsets: commits })
      return {}
    },
    leave: async ({ member: name }) => {
      const { consumer, diary } = member(name)
      diary.revokedAll()
      await consumer.close(true)
      return {}
    },
    createTopic: async ({ name, partitions, replicationFactor, configs, validateOnly }) => {
      if (validateOnly) throw new ClientError('@platformatic/kafka has no validateOnly', null)
      const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      await admin.createTopics({ topics: [name], partitions, replicas: replicationFactor, configs: entries })
      return {}
    },
    deleteTopic: async ({ name }) => {
      await admin.deleteTopics({ topics: [name] })
      return {}
    },
    createPartitions: async ({ topic, count }) => {
      await admin.createPartitions({ topics: [{ name: topic, count }] })
      return {}
    },
    describeTopic: async ({ topic }) => describeTopic(topic),
    listTopics: async () => ({ names: await admin.listTopics({ includeInternals: true }) }),
    describeConfigs: async ({ type, name }) => {
      const resourceType = type === 'topic' ? ConfigResourceTypes.TOPIC : ConfigResourceTypes.BROKER
      const found = await admin.describeConfigs({ resources: [{ resourceType, resourceName: name }] })
      const entries = (found[0]?.configs ?? []).map((entry) => ({
        name: entry.name,
        value: entry.value ?? null,
        readOnly: entry.readOnly,
        sensitive: entry.isSensitive,
        source: entry.configSource,
      }))
      return { entries }
    },
    alterConfigs: async ({ type, name, operations }) => {
      const resourceType = type === 'topic' ? ConfigResourceTypes.TOPIC : ConfigResourceTypes.BROKER
      await admin.incrementalAlterConfigs({
        resources: [{ resourceType, resourceName: name, configs: operations.map(change) }],
      })
      return {}
    },
    replaceConfigs: async ({ topic, configs }) => {
      const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
      await admin.alterConfigs({
        resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs: entries }],
      })
      return {}
    },
    listOffsets: listOffset,
    deleteRecords: async ({ topic, partition, offset }) => {
      const partitions = [{ partition, offset: BigInt(offset) }]
      const found = await admin.deleteRecords({ topics: [{ name: topic, partitions }] })
      return { lowWatermark: Number(found[0]?.partitions[0]?.lowWatermark) }
    },
    listGroups: async () => {
      const groups = [...(await admin.listGroups()).values()]
      return { groups: groups.map(({ id, state, protocolType }) => ({ group: id, state: state, protocolType })) }
    },
    describeGroup: async ({ group }) => {
      const found = (await admin.describeGroups({ groups: [group] })).get(group)
      if (found === undefined) throw new ClientError(`no group ${group} in the answer`, null)
      return {
        group: found.id,
        state: found.state,
        protocolType: found.protocolType,
        protocol: found.protocol,
        members: [...found.members.values()].map((each) => ({
          memberId: each.id,
          clientId: each.clientId,
          host: each.clientHost,
          assignment: owned([...(each.assignments?.values() ?? [])]),
        })),
      }
    },
    fetchOffsets: async ({ group, partitions }) => {
      const topics = [...byTopic(partitions)].map(([name, entries]) => ({
        name,
        partitionIndexes: entries.map(({ partition }) => partition),
      }))
      const found = (await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }] }))[0]
      return {
        offsets: partitions.map(({ topic, partition }) => {
          const ofTopic = found?.topics.find(({ name }) => name === topic)
          const entry = ofTopic?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
          return { topic, partition, offset: Number(entry?.committedOffset ?? -1), metadata: entry?.metadata ?? null }
        }),
      }
    },
    alterOffsets: async ({ group, offsets }) => {
      const topics = [...byTopic<PartitionOffset>(offsets)].map(([name, entries]) => ({
        name,
        partitionOffsets: entries.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) })),
      }))
      await admin.alterConsumerGroupOffsets({ groupId: group, topics })
      return {}
    },
    deleteGroup: async ({ group }) => {
      await admin.deleteGroups({ groups: [group] })
      return {}
    },
    deleteGroupOffsets: async ({ group, partitions }) => {
      const topics = [...byTopic(partitions)].map(([name, entries]) => ({
        name,
        partitionIndexes: entries.map(({ partition }) => partition),
      }))
      await admin.deleteConsumerGroupOffsets({ groupId: group, topics })
      return {}
    },
    describeCluster: async () => {
      const metadata = await admin.metadata({ topics: [], forceUpdate: true })
      const brokers = [...metadata.brokers].map(([id, { host, port }]) => ({ id, host, port }))
      return { clusterId: metadata.id, controllerId: metadata.controllerId, brokers }
    },
  },
  (error) => findKafkaCode(error, ['apiCode']),
  async () => {
    const open = [...producers.values()].map(async (producer) => (await producer).close())
    const joined = [...members.values()].map(({ consumer }) => consumer.close(true))
    await Promise.allSettled([...open, ...joined, transactions.close(), admin.close()])
  },
)
