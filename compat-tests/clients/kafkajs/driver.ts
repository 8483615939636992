import kafkajs, {
  type Admin,
  type Consumer,
  type IHeaders,
  type KafkaMessage,
  type Message,
  type Producer,
} from 'kafkajs'
import {
  ClientError,
  type Codec,
  type JoinRequest,
  type OutgoingRecord,
  type ProduceRequest,
  type ReadRequest,
  type ReceivedRecord,
  type RecordHeader,
} from '../../client.ts'
import { cached, findKafkaCode, MemberDiary, serve, toBase64, toBuffer } from '../node-driver.ts'
import { registerCodecs } from './codecs.ts'
import { transactionHandlers } from './transactions.ts'

const { Kafka, logLevel, CompressionTypes, ConfigResourceTypes, Partitioners, AssignerProtocol } = kafkajs

registerCodecs()

const bootstrap = process.argv[2] ?? ''
const requestTimeoutMs = process.env['ODRADEK_COMPAT_REQUEST_TIMEOUT_MS']
const kafka = new Kafka({
  clientId: 'compat-kafkajs',
  brokers: bootstrap.split(','),
  ...(requestTimeoutMs !== undefined && { requestTimeout: Number(requestTimeoutMs) }),
  logLevel: logLevel.NOTHING,
  retry: { retries: 30, initialRetryTime: 100, maxRetryTime: 500 },
})

const codecNumbers: Record<Codec, number> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

interface Member {
  consumer: Consumer
  diary: MemberDiary
}

const producers = new Map<string, Promise<Producer>>()
const members = new Map<string, Member>()
let adminConnection: Promise<Admin> | undefined
let readers = 0

/** Where the partitioner put a message: the answer of a send tells offsets per partition only. */
const chosen = new WeakMap<object, number>()

function partitioner(): ReturnType<typeof Partitioners.DefaultPartitioner> {
  const choose = Partitioners.DefaultPartitioner()
  return (choice) => {
    const partition = choose(choice)
    chosen.set(choice.message, partition)
    return partition
  }
}

function producerFor(request: ProduceRequest): Promise<Producer> {
  const key = `${request.idempotent} ${request.autoCreate} ${request.timeoutMs}`
  return cached(producers, key, async () => {
    const retries = Math.max(2, Math.ceil(request.timeoutMs / 500))
    const producer = kafka.producer({
      idempotent: request.idempotent,
      allowAutoTopicCreation: request.autoCreate,
      createPartitioner: partitioner,
      retry: { retries, initialRetryTime: 100, maxRetryTime: 500 },
    })
    await producer.connect()
    return producer
  })
}

function admin(): Promise<Admin> {
  adminConnection ??= (async () => {
    const connection = kafka.admin({ retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 500 } })
    await connection.connect()
    return connection
  })()
  return adminConnection
}

function outgoingHeaders(headers: RecordHeader[]): IHeaders {
  const byName: Record<string, Buffer[]> = {}
  for (const { name, value } of headers) {
    const values = (byName[name] ??= [])
    values.push(toBuffer(value) ?? Buffer.alloc(0))
  }
  return byName
}

function receivedHeaders(headers: IHeaders | undefined): RecordHeader[] {
  return Object.entries(headers ?? {}).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value) => ({
      name,
      value: toBase64(typeof value === 'string' ? Buffer.from(value) : value),
    })),
  )
}

function received(topic: string, partition: number, message: KafkaMessage): ReceivedRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: toBase64(message.key),
    value: toBase64(message.value),
    headers: receivedHeaders(message.headers),
  }
}

function outgoing(record: OutgoingRecord): Message {
  const message: Message = { key: toBuffer(record.key), value: toBuffer(record.value) }
  if (record.partition !== null) message.partition = record.partition
  if (record.timestamp !== null) message.timestamp = String(record.timestamp)
  if (record.headers.length > 0) message.headers = outgoingHeaders(record.headers)
  return message
}

const transactions = transactionHandlers({
  kafka,
  codecs: codecNumbers,
  message: outgoing,
  retry: { retries: 60, initialRetryTime: 100, maxRetryTime: 500 },
})

async function produce(request: ProduceRequest) {
  const producer = await producerFor(request)
  const messages = request.records.map(outgoing)
  const compression = codecNumbers[request.codec]
  const answers = await producer.send({ topic: request.topic, acks: request.acks, compression, messages })
  const nextOffsets = new Map<number, number>()
  // With acks 0 kafkajs hands out nothing per partition.
  for (const answer of answers ?? []) nextOffsets.set(answer.partition, Number(answer.baseOffset ?? -1))
  const placed = messages.map((message) => {
    const partition = chosen.get(message) ?? message.partition ?? -1
    const offset = nextOffsets.get(partition) ?? -1
    if (offset >= 0) nextOffsets.set(partition, offset + 1)
    return { partition, offset }
  })
  return { placed }
}

/** kafkajs reads through groups only: a throw-away group, and a seek in each partition. */
async function read(request: ReadRequest) {
  const consumer = kafka.consumer({
    groupId: `reader-${process.pid}-${readers++}`,
    readUncommitted: request.isolation === 'read_uncommitted',
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 200,
  })
  const records: ReceivedRecord[] = []
  const ranges = new Map(request.partitions.map(({ partition, from, until }) => [partition, { next: from, until }]))
  const unfinished = () => [...ranges.values()].some(({ next, until }) => next < until)
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [request.topic], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      if (!unfinished()) return resolve()
      const timer = setTimeout(() => reject(new Error(`read ${records.length} records, not all`)), request.timeoutMs)
      const stop = (error?: Error) => {
        clearTimeout(timer)
        if (error === undefined) resolve()
        else reject(error)
      }
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) stop(payload.error)
      })
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            const range = ranges.get(batch.partition)
            for (const message of range === undefined ? [] : batch.messages) {
              const offset = Number(message.offset)
              // What arrives before the seek took effect is not what was asked for.
              if (range === undefined || offset < range.next || offset >= range.until) continue
              records.push(received(batch.topic, batch.partition, message))
              range.next = offset + 1
            }
            if (!unfinished()) stop()
          },
        })
        .catch(stop)
      for (const { partition, from } of request.partitions) {
        consumer.seek({ topic: request.topic, partition, offset: String(from) })
      }
    })
  } finally {
    await consumer.disconnect()
  }
  return { records }
}

async function join(request: JoinRequest) {
  const consumer = kafka.consumer({
    groupId: request.group,
    sessionTimeout: request.sessionTimeoutMs,
    rebalanceTimeout: request.sessionTimeoutMs,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 200,
    // A partition without a leader is looked for again only when its metadata are old.
    metadataMaxAge: 5_000,
    allowAutoTopicCreation: false,
  })
  const diary = new MemberDiary()
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const assignment = Object.entries(payload.memberAssignment)
    diary.revokedAll()
    diary.assigned(assignment.flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition }))))
  })
  consumer.on(consumer.events.REBALANCING, () => diary.revokedAll())
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    diary.revokedAll()
    if (!payload.restart) diary.failure = payload.error.message
  })
  await consumer.connect()
  await consumer.subscribe({ topics: request.topics, fromBeginning: request.reset === 'earliest' })
  await consumer.run({
    autoCommit: false,
    // Otherwise a batch that is passed over below counts as done.
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, isStale, isRunning, resolveOffset }) => {
      if (isStale() || !isRunning()) return
      for (const message of batch.messages) diary.received(received(batch.topic, batch.partition, message))
      resolveOffset(batch.lastOffset())
    },
  })
  members.set(request.member, { consumer, diary })
  return {}
}

function member(name: string): Member {
  const found = members.get(name)
  if (found === undefined) throw new Error(`no member ${name}`)
  return found
}

async function fetchPartitionOffset(topic: string, partition: number, spec: string | number): Promise<number> {
  const connection = await admin()
  if (typeof spec === 'number') {
    const byTime = await connection.fetchTopicOffsetsByTimestamp(topic, spec)
    return Number(byTime.find((entry) => entry.partition === partition)?.offset ?? -1)
  }
  const ends = await connection.fetchTopicOffsets(topic)
  const found = ends.find((entry) => entry.partition === partition)
  if (found === undefined) throw new ClientError(`no partition ${partition}`, 3)
  return Number(spec === 'earliest' ? found.low : found.high)
}

serve(
  {
    client: 'kafkajs',
    version: '2.2.4',
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    missingOperations: {
      alterConfigs: 'kafkajs has AlterConfigs only, no incremental one',
      deleteGroupOffsets: 'kafkajs has no OffsetDelete',
    },
    missingFeatures: {
      'sends-generations-in-transactions': 'kafkajs has TxnOffsetCommit up to version 1, which has no generation',
      'static-membership': 'kafkajs has no group.instance.id',
      'cooperative-sticky': 'kafkajs has eager assignors only',
      'null-header-value': 'kafkajs cannot send a header without a value',
      'refuses-unknown-partition': 'kafkajs drops records for a partition it does not know and reports success',
      'offset-of-max-timestamp': 'kafkajs has no ListOffsets with MAX_TIMESTAMP',
      'looks-past-missing-leaders':
        'kafkajs takes a topic for unavailable as long as one of its partitions has no leader',
      'recovers-lost-sequences':
        'kafkajs gives OUT_OF_ORDER_SEQUENCE_NUMBER to the caller, and only another producer goes on',
      'leaves-silent-connections':
        'kafkajs gives up a request that is not answered in time, and asks again on the same connection',
      'offset-of-time-beyond-end': 'kafkajs turns "no such offset" into the end offset itself',
    },
  },
  {
    ...transactions.handlers,
    produce,
    read,
    join,
    news: async ({ member: name }) => member(name).diary.take(),
    commit: async ({ member: name, offsets }) => {
      const commits = offsets.map(({ topic, partition, offset, metadata }) => ({
        topic,
        partition,
        offset: String(offset),
        metadata,
      }))
      await member(name).consumer.commitOffsets(commits)
      return {}
    },
    leave: async ({ member: name }) => {
      member(name).diary.revokedAll()
      await member(name).consumer.disconnect()
      return {}
    },
    createTopic: async ({ name, partitions, replicationFactor, configs, validateOnly }) => {
      const configEntries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      const topic = { topic: name, numPartitions: partitions, replicationFactor, configEntries }
      const created = await (await admin()).createTopics({
        topics: [topic],
        validateOnly,
        // The scenarios wait by themselves; kafkajs gives up at the first error 3.
        waitForLeaders: false,
      })
      // kafkajs answers false instead of an error when the topic exists.
      if (!created) throw new ClientError(`topic ${name} exists`, 36)
      return {}
    },
    deleteTopic: async ({ name }) => {
      await (await admin()).deleteTopics({ topics: [name] })
      return {}
    },
    createPartitions: async ({ topic, count }) => {
      await (await admin()).createPartitions({ topicPartitions: [{ topic, count }] })
      return {}
    },
    describeTopic: async ({ topic }) => {
      const { topics } = await (await admin()).fetchTopicMetadata({ topics: [topic] })
      const found = topics.find(({ name }) => name === topic)
      if (found === undefined) throw new ClientError(`no topic ${topic} in the answer`, null)
      const partitions = found.partitions.map(({ partitionId, leader, replicas, isr }) => ({
        partition: partitionId,
        leader,
        replicas,
        isr,
      }))
      return { name: topic, topicId: null, partitions: partitions.sort((a, b) => a.partition - b.partition) }
    },
    listTopics: async () => ({ names: await (await admin()).listTopics() }),
    describeConfigs: async ({ type, name }) => {
      const resource = { type: type === 'topic' ? ConfigResourceTypes.TOPIC : ConfigResourceTypes.BROKER, name }
      const answer = await (await admin()).describeConfigs({ resources: [resource], includeSynonyms: false })
      const entries = answer.resources[0]?.configEntries ?? []
      return {
        entries: entries.map((entry) => ({
          name: entry.configName,
          value: entry.configValue,
          readOnly: entry.readOnly,
          sensitive: entry.isSensitive,
          source: entry.configSource,
        })),
      }
    },
    replaceConfigs: async ({ topic, configs }) => {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
      const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries }
      await (await admin()).alterConfigs({ validateOnly: false, resources: [resource] })
      return {}
    },
    listOffsets: async ({ topic, partition, spec }) => {
      return { offset: await fetchPartitionOffset(topic, partition, spec), timestamp: null }
    },
    deleteRecords: async ({ topic, partition, offset }) => {
      await (await admin()).deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
      return { lowWatermark: null }
    },
    listGroups: async () => {
      const { groups } = await (await admin()).listGroups()
      return { groups: groups.map(({ groupId, protocolType }) => ({ group: groupId, state: null, protocolType })) }
    },
    describeGroup: async ({ group }) => {
      const { groups } = await (await admin()).describeGroups([group])
      const found = groups[0]
      if (found === undefined) throw new ClientError(`no group ${group} in the answer`, null)
      return {
        group: found.groupId,
        state: found.state,
        protocolType: found.protocolType,
        protocol: found.protocol,
        members: found.members.map((each) => {
          const assignment =
            each.memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(each.memberAssignment)
          const owned = Object.entries(assignment?.assignment ?? {})
          return {
            memberId: each.memberId,
            clientId: each.clientId,
            host: each.clientHost,
            assignment: owned.flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition }))),
          }
        }),
      }
    },
    fetchOffsets: async ({ group, partitions }) => {
      const topics = [...new Set(partitions.map(({ topic }) => topic))]
      const answer = await (await admin()).fetchOffsets({ groupId: group, topics })
      return {
        offsets: partitions.map(({ topic, partition }) => {
          const ofTopic = answer.find((entry) => entry.topic === topic)
          const found = ofTopic?.partitions.find((entry) => entry.partition === partition)
          return { topic, partition, offset: Number(found?.offset ?? -1), metadata: found?.metadata ?? null }
        }),
      }
    },
    alterOffsets: async ({ group, offsets }) => {
      for (const topic of new Set(offsets.map((entry) => entry.topic))) {
        const partitions = offsets
          .filter((entry) => entry.topic === topic)
          .map(({ partition, offset }) => ({ partition, offset: String(offset) }))
        await (await admin()).setOffsets({ groupId: group, topic, partitions })
      }
      return {}
    },
    deleteGroup: async ({ group }) => {
      await (await admin()).deleteGroups([group])
      return {}
    },
    describeCluster: async () => {
      const { brokers, controller, clusterId } = await (await admin()).describeCluster()
      const known = brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port }))
      return { clusterId, controllerId: controller ?? -1, brokers: known }
    },
  },
  (error) => findKafkaCode(error, ['code', 'errorCode']),
  async () => {
    const open = [...producers.values()].map(async (producer) => (await producer).disconnect())
    const joined = [...members.values()].map(({ consumer }) => consumer.disconnect())
    await Promise.allSettled([
      ...open,
      ...joined,
      transactions.close(),
      adminConnection?.then((connection) => connection.disconnect()),
    ])
  },
)
