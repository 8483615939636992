import { ErrorCode } from '../../protocol/errors.ts'
import { refuseTopicConfig } from '../config/config-rules.ts'
import type { Decision, MetadataRecord } from './metadata.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import { configRecord, partitionRecord, topicRecord } from './metadata-record.ts'
import { topicNameProblem } from './topic-name.ts'

/** A topic as a client wants it; -1 leaves a number to the broker's defaults. */
export interface NewTopic {
  readonly name: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface TopicDefaults {
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Ids of the live brokers, the first of which becomes a leader where nothing else is said. */
  readonly brokerIds: readonly number[]
  /** Ids of those that belong to the cluster and are away: they hold replicas that are not in sync. */
  readonly fencedIds?: readonly number[]
  /** Makes a topic id that no topic ever had. */
  readonly newTopicId: () => string
}

export interface CreatedTopic {
  readonly name: string
  readonly error: ErrorCode
  readonly message: string | null
  /** The zero id on error. */
  readonly topicId: string
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Explicitly set values. */
  readonly configs: ReadonlyMap<string, string>
}

interface Refusal {
  readonly error: ErrorCode
  readonly message: string
}

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
/** More would make one request an attack; Kafka's own limit for one user operation. */
export const MAX_PARTITIONS_PER_REQUEST = 10_000
const NONE: ReadonlyMap<string, string> = new Map()

/** Decides on each topic by itself: one that is refused does not fail the others. */
export function createTopics(
  image: MetadataImage,
  topics: readonly NewTopic[],
  defaults: TopicDefaults,
  validateOnly: boolean,
): Decision<CreatedTopic[]> {
  const times = new Map<string, number>()
  for (const { name } of topics) times.set(name, (times.get(name) ?? 0) + 1)
  let room = MAX_PARTITIONS_PER_REQUEST
  const records: MetadataRecord[] = []
  const result = [...new Map(topics.map((topic) => [topic.name, topic])).values()].map((topic): CreatedTopic => {
    if (times.get(topic.name)! > 1) {
      return refused(topic.name, { error: ErrorCode.INVALID_REQUEST, message: 'Duplicate topic name.' })
    }
    const planned = plan(image, topic, defaults)
    if ('error' in planned) return refused(topic.name, planned)
    room -= planned.length
    if (room < 0) {
      return refused(topic.name, tooManyPartitions())
    }
    const topicId = defaults.newTopicId()
    const configs = new Map(topic.configs.map(({ name, value }) => [name, value!]))
    if (!validateOnly) records.push(...recordsFor(topic.name, topicId, planned, configs, defaults))
    return {
      name: topic.name,
      error: ErrorCode.NONE,
      message: null,
      topicId,
      numPartitions: planned.length,
      replicationFactor: planned[0]!.length,
      configs,
    }
  })
  return { records, result }
}

/** The replicas of each partition, or why there can be none. */
function plan(image: MetadataImage, topic: NewTopic, defaults: TopicDefaults): Refusal | (readonly number[])[] {
  const nameProblem = topicNameProblem(topic.name)
  if (nameProblem !== null) return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: nameProblem }
  if (image.topics.has(topic.name)) {
    return { error: ErrorCode.TOPIC_ALREADY_EXISTS, message: `Topic '${topic.name}' already exists.` }
  }
  const twin = collidingName(image, topic.name)
  if (twin !== null) {
    const message = `Topic '${topic.name}' collides with existing topic: ${twin}`
    return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message }
  }
  const refusal = configRefusal(topic)
  if (refusal !== null) return refusal
  return topic.assignments.length > 0 ? assigned(topic, defaults) : spread(topic, defaults)
}

function tooManyPartitions(): Refusal {
  return { error: ErrorCode.POLICY_VIOLATION, message: 'Excessively large number of partitions per request.' }
}

/** In the names of Kafka's metrics a dot becomes an underscore: two topics that differ in nothing else would share them. */
function collidingName(image: MetadataImage, name: string): string | null {
  if (!/[._]/.test(name)) return null
  const plain = name.replaceAll('.', '_')
  for (const other of image.topics.keys()) {
    if (other.length === name.length && other.replaceAll('.', '_') === plain) return other
  }
  return null
}

function spread(topic: NewTopic, defaults: TopicDefaults) {
  const { numPartitions, replicationFactor, brokerIds, fencedIds = [] } = defaults
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    const message = 'Replication factor must be larger than 0, or -1 to use the default value.'
    return { error: ErrorCode.INVALID_REPLICATION_FACTOR, message }
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    const message = 'Number of partitions was set to an invalid non-positive value.'
    return { error: ErrorCode.INVALID_PARTITIONS, message }
  }
  const partitions = topic.numPartitions === -1 ? numPartitions : topic.numPartitions
  const replicas = topic.replicationFactor === -1 ? replicationFactor : topic.replicationFactor
  if (partitions > MAX_PARTITIONS_PER_REQUEST) {
    return tooManyPartitions()
  }
  const registered = brokerIds.length + fencedIds.length
  if (replicas > registered) {
    const message = `Unable to replicate the partition ${replicas} time(s): The target replication factor of ${replicas} cannot be reached because only ${registered} broker(s) are registered.`
    return { error: ErrorCode.INVALID_REPLICATION_FACTOR, message }
  }
  if (brokerIds.length === 0) {
    const message = `Unable to replicate the partition ${replicas} time(s): All brokers are currently fenced.`
    return { error: ErrorCode.INVALID_REPLICATION_FACTOR, message }
  }
  return Array.from({ length: partitions }, (_, index) => placeReplicas(index, replicas, defaults))
}

/** Living brokers in turns, the first to lead, and those that are away behind them. */
export function placeReplicas(index: number, factor: number, { brokerIds, fencedIds = [] }: Placement): number[] {
  const turned = (ids: readonly number[]) => ids.map((_, at) => ids[(index + at) % ids.length]!)
  return [...turned(brokerIds), ...turned(fencedIds)].slice(0, factor)
}

export type Placement = Pick<TopicDefaults, 'brokerIds' | 'fencedIds'>

function assigned(topic: NewTopic, defaults: TopicDefaults): Refusal | (readonly number[])[] {
  if (topic.replicationFactor !== -1) {
    const message = 'A manual partition assignment was specified, but replication factor was not set to -1.'
    return { error: ErrorCode.INVALID_REQUEST, message }
  }
  if (topic.numPartitions !== -1) {
    const message = 'A manual partition assignment was specified, but numPartitions was not set to -1.'
    return { error: ErrorCode.INVALID_REQUEST, message }
  }
  const placed = new Map<number, readonly number[]>()
  for (const { partitionIndex, brokerIds: replicas } of topic.assignments) {
    if (placed.has(partitionIndex)) {
      return badAssignment(`Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    const problem = assignmentProblem(partitionIndex, replicas, defaults)
    if (problem !== null) return badAssignment(problem)
    placed.set(partitionIndex, replicas)
  }
  const lists = Array.from({ length: placed.size }, (_, index) => placed.get(index))
  const factor = lists[0]?.length
  const ordered: (readonly number[])[] = []
  for (const replicas of lists) {
    if (replicas === undefined) return badAssignment('partitions should be a consecutive 0-based integer sequence')
    if (replicas.length !== factor) {
      return badAssignment(`Inconsistent replication factor between partitions: ${factor} and ${replicas.length}.`)
    }
    ordered.push(replicas)
  }
  return ordered
}

/** Why a partition cannot have these replicas, or null. */
export function assignmentProblem(
  partition: number,
  replicas: readonly number[],
  { brokerIds, fencedIds = [] }: Placement,
): string | null {
  if (replicas.length === 0) return 'The manual partition assignment includes an empty replica list.'
  if (new Set(replicas).size !== replicas.length) {
    return `The manual partition assignment includes the broker ${replicas.find((id, at) => replicas.indexOf(id) !== at)} more than once.`
  }
  const stranger = replicas.find((id) => !brokerIds.includes(id) && !fencedIds.includes(id))
  if (stranger === undefined) {
    if (replicas.some((id) => brokerIds.includes(id))) return null
    return `All brokers specified in the manual partition assignment for partition ${partition} are fenced or in controlled shutdown.`
  }
  return `The manual partition assignment includes broker ${stranger}, but no such broker is registered.`
}

function badAssignment(message: string): Refusal {
  return { error: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message }
}

function configRefusal({ configs }: NewTopic): Refusal | null {
  const nulls = configs.filter(({ value }) => value === null).map(({ name }) => name)
  if (nulls.length > 0) {
    const message = `Null value not supported for topic configs: ${nulls.join(',')}`
    return { error: ErrorCode.INVALID_CONFIG, message }
  }
  if (configs.length === 0) return null
  const texts = new Map(configs.map(({ name, value }) => [name, value!]))
  return refuseTopicConfig(texts, { broker: NONE, cluster: NONE, static: NONE })
}

function recordsFor(
  name: string,
  topicId: string,
  partitions: readonly (readonly number[])[],
  configs: ReadonlyMap<string, string>,
  placement: Placement,
): MetadataRecord[] {
  return [
    topicRecord({ name, topicId }),
    ...[...configs].map(([key, value]) =>
      configRecord({ resourceType: ConfigResource.TOPIC, resourceName: name, name: key, value }),
    ),
    ...partitions.map((replicas, partitionId) => newPartitionRecord(topicId, partitionId, replicas, placement)),
  ]
}

export function newPartitionRecord(
  topicId: string,
  partitionId: number,
  replicas: readonly number[],
  { brokerIds }: Placement,
): MetadataRecord {
  const isr = replicas.filter((id) => brokerIds.includes(id))
  return partitionRecord({
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map(() => ZERO_ID),
  })
}

function refused(name: string, { error, message }: Refusal): CreatedTopic {
  return { name, error, message, topicId: ZERO_ID, numPartitions: -1, replicationFactor: -1, configs: new Map() }
}
