/**
 * What every client of the suite can be asked to do. Each client is a process of its own (a driver) that reads one
 * JSON object per line and answers with one: so a client can be killed without a word, and a scenario is written once.
 * Keys, values and header values travel as base64, and are `null` where Kafka's are null.
 */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

export interface RecordHeader {
  name: string
  value: string | null
}

export interface OutgoingRecord {
  /** null lets the client's partitioner choose. */
  partition: number | null
  key: string | null
  value: string | null
  headers: RecordHeader[]
  /** Milliseconds since 1970; null lets the client take its clock. */
  timestamp: number | null
}

export interface ReceivedRecord {
  topic: string
  partition: number
  offset: number
  timestamp: number
  key: string | null
  value: string | null
  headers: RecordHeader[]
}

export interface TopicPartition {
  topic: string
  partition: number
}

export interface PartitionOffset extends TopicPartition {
  offset: number
}

export interface CommittedOffset extends PartitionOffset {
  metadata: string | null
}

export interface ProduceRequest {
  topic: string
  records: OutgoingRecord[]
  acks: 0 | 1 | -1
  codec: Codec
  idempotent: boolean
  /** Whether the client may ask the broker to create the topic. */
  autoCreate: boolean
  /** Largest time the client may retry, in ms. */
  timeoutMs: number
}

/** Where each record went, in the order of the request; offset −1 where the client does not learn it (acks 0). */
export interface ProduceResult {
  placed: { partition: number; offset: number }[]
}

export interface ReadRequest {
  topic: string
  /** Reads each partition from `from` (an offset) up to, not including, `until`. */
  partitions: { partition: number; from: number; until: number }[]
  isolation: 'read_uncommitted' | 'read_committed'
  timeoutMs: number
}

export interface JoinRequest {
  /** A name for the member within this driver. */
  member: string
  group: string
  topics: string[]
  sessionTimeoutMs: number
  /** Where to start without a committed offset, or when it is out of range. */
  reset: 'earliest' | 'latest'
  /** The producer of this driver in whose transactions the records of the member are processed. */
  processedBy?: InitTransactionsRequest
  /** Fetches as read_committed, and waits for offsets of transactions that are about to end. */
  committedOnly?: boolean
  /** The client's own default of the eager kind, or cooperative-sticky. */
  assignor: 'eager' | 'cooperative-sticky'
  /** group.instance.id of a static member. */
  instanceId: string | null
}

export interface InitTransactionsRequest {
  /** A name for the producer within this driver. */
  producer: string
  transactionalId: string
  transactionTimeoutMs: number
  codec: Codec
}

/** A change of what a member owns, with the wall clock of the machine in ms. */
export interface OwnershipEvent {
  kind: 'assigned' | 'revoked'
  partitions: TopicPartition[]
  atMs: number
}

/** What happened to a member since it was last asked. */
export interface MemberNews {
  records: ReceivedRecord[]
  events: OwnershipEvent[]
  assignment: TopicPartition[]
  /** An error that ended the member. */
  failure: string | null
}

export interface PartitionDescription {
  partition: number
  leader: number
  replicas: number[]
  isr: number[]
}

export interface TopicDescription {
  name: string
  /** Null where the client does not show it. */
  topicId: string | null
  partitions: PartitionDescription[]
}

export interface NewTopic {
  name: string
  partitions: number
  replicationFactor: number
  configs: Record<string, string>
  validateOnly: boolean
}

export interface ConfigEntry {
  name: string
  value: string | null
  readOnly: boolean
  sensitive: boolean
  /** ConfigSource of the protocol (1 topic, 4 static broker, 5 default …); null where the client does not show it. */
  source: number | null
}

export interface ConfigOperation {
  name: string
  op: 'set' | 'delete' | 'append' | 'subtract'
  value: string | null
}

export interface GroupListing {
  group: string
  /** Null where the client does not show it. */
  state: string | null
  protocolType: string | null
}

export interface MemberDescription {
  memberId: string
  clientId: string
  host: string
  /** Null where the client does not decode it. */
  assignment: TopicPartition[] | null
}

export interface GroupDescription {
  group: string
  /** Kafka's spelling: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead. */
  state: string
  protocolType: string
  protocol: string | null
  members: MemberDescription[]
}

export interface ClusterDescription {
  clusterId: string
  controllerId: number
  brokers: { id: number; host: string; port: number }[]
}

/** EARLIEST, LATEST and MAX_TIMESTAMP of ListOffsets, or a time in ms. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | number

/** Requests and answers of every operation a driver may offer. */
export interface Operations {
  produce: { request: ProduceRequest; answer: ProduceResult }
  read: { request: ReadRequest; answer: { records: ReceivedRecord[] } }
  join: { request: JoinRequest; answer: Record<string, never> }
  news: { request: { member: string }; answer: MemberNews }
  commit: { request: { member: string; offsets: CommittedOffset[] }; answer: Record<string, never> }
  /** Leaves the group in an orderly way. */
  leave: { request: { member: string }; answer: Record<string, never> }
  /**
   * Makes a transactional producer, and registers its id with the broker as soon as the client can. A producer that a
   * member of this driver brought along is there already.
   */
  initTransactions: { request: InitTransactionsRequest; answer: Record<string, never> }
  beginTransaction: { request: { producer: string }; answer: Record<string, never> }
  /** Resolves when all records are acknowledged. */
  produceInTransaction: {
    request: { producer: string; topic: string; records: OutgoingRecord[] }
    answer: Record<string, never>
  }
  /** From now on the offsets of the member are sent with the generation that it has at this moment. */
  holdGeneration: { request: { member: string }; answer: Record<string, never> }
  /** Adds the offsets of a member's group to the transaction, with its generation if the client knows how. */
  sendOffsets: {
    request: { producer: string; member: string; group: string; offsets: PartitionOffset[] }
    answer: Record<string, never>
  }
  endTransaction: { request: { producer: string; commit: boolean }; answer: Record<string, never> }
  /** Whatever state it is in, without ending its transaction if the client lets one. */
  closeProducer: { request: { producer: string }; answer: Record<string, never> }
  createTopic: { request: NewTopic; answer: Record<string, never> }
  deleteTopic: { request: { name: string }; answer: Record<string, never> }
  createPartitions: { request: { topic: string; count: number }; answer: Record<string, never> }
  describeTopic: { request: { topic: string }; answer: TopicDescription }
  listTopics: { request: Record<string, never>; answer: { names: string[] } }
  describeConfigs: { request: { type: 'topic' | 'broker'; name: string }; answer: { entries: ConfigEntry[] } }
  /** IncrementalAlterConfigs. */
  alterConfigs: {
    request: { type: 'topic' | 'broker'; name: string; operations: ConfigOperation[] }
    answer: Record<string, never>
  }
  /** AlterConfigs: what is not listed goes back to its default. */
  replaceConfigs: { request: { topic: string; configs: Record<string, string> }; answer: Record<string, never> }
  /** offset −1 where there is none; timestamp null where the client does not show it. */
  listOffsets: {
    request: TopicPartition & { spec: OffsetSpec }
    answer: { offset: number; timestamp: number | null }
  }
  deleteRecords: { request: PartitionOffset; answer: { lowWatermark: number | null } }
  listGroups: { request: Record<string, never>; answer: { groups: GroupListing[] } }
  describeGroup: { request: { group: string }; answer: GroupDescription }
  fetchOffsets: { request: { group: string; partitions: TopicPartition[] }; answer: { offsets: CommittedOffset[] } }
  /** Commits for a group without members: what resetting offsets is. */
  alterOffsets: { request: { group: string; offsets: PartitionOffset[] }; answer: Record<string, never> }
  deleteGroup: { request: { group: string }; answer: Record<string, never> }
  deleteGroupOffsets: { request: { group: string; partitions: TopicPartition[] }; answer: Record<string, never> }
  describeCluster: { request: Record<string, never>; answer: ClusterDescription }
  /** Runs one of the command line tools of Apache Kafka; the driver of the Java client alone offers it. */
  tool: {
    request: { tool: string; arguments: string[]; input: string }
    answer: { code: number; output: string; errors: string }
  }
}

export type OperationName = keyof Operations

/** Abilities that are no operation of their own, and that a client may lack. */
export type Feature =
  | 'idempotent'
  | 'null-header-value'
  | 'duplicate-header-names'
  | 'static-membership'
  | 'cooperative-sticky'
  | 'commit-metadata'
  | 'refuses-unknown-partition'
  | 'produce-without-creating'
  | 'look-without-creating'
  | 'names-all-errors'
  | 'append-time'
  | 'fences-fetches'
  | 'offset-of-max-timestamp'
  | 'offset-of-time-beyond-end'
  | 'create-topic-validate-only'
  | 'leaves-silent-connections'
  | 'looks-past-missing-leaders'
  | 'recovers-lost-sequences'
  | 'survives-recreated-topics'
  | 'heartbeats-while-groups-load'
  | 'follows-moved-leaders'
  | 'sends-generations-in-transactions'
  | 'adds-partitions-by-request'
  | 'leaves-out-every-aborted-transaction'

/** The first line a driver prints. What a client lacks is named with the reason, so that it shows in the report. */
export interface DriverGreeting {
  client: string
  version: string
  codecs: Codec[]
  missingOperations: Partial<Record<OperationName, string>>
  missingFeatures: Partial<Record<Feature, string>>
}

/** An error of the client. `code` is Kafka's error code when the client tells it. */
export class ClientError extends Error {
  readonly code: number | null

  constructor(message: string, code: number | null) {
    super(message)
    this.name = 'ClientError'
    this.code = code
  }
}

export interface CompatClient {
  readonly greeting: DriverGreeting
  call<Name extends OperationName>(
    operation: Name,
    request: Operations[Name]['request'],
    timeoutMs?: number,
  ): Promise<Operations[Name]['answer']>
  /** Ends the process at once: its connections drop and nobody says goodbye. */
  kill(): Promise<void>
  close(): Promise<void>
}
