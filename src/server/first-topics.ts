import type { Logger } from 'pino'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import { ConfigError } from '../config/config-error.ts'
import { refuseTopicConfig } from '../config/config-rules.ts'
import { type FirstTopic, TOPICS_SETTING } from '../config/first-topics.ts'
import { createTopics, MAX_PARTITIONS_PER_REQUEST, type NewTopic } from '../metadata/create-topics.ts'
import { ConfigResource, type MetadataImage, type TopicImage } from '../metadata/metadata-image.ts'
import { topicNameProblem } from '../metadata/topic-name.ts'
import type { Engine } from './engine.ts'

const NONE: ReadonlyMap<string, string> = new Map()

/** Throws ConfigError for the first that could never be created; before anything is opened. */
export function checkFirstTopics(topics: readonly FirstTopic[]): void {
  for (const { name, configs, partitions } of topics) {
    const refuse = (why: string) => new ConfigError(TOPICS_SETTING, `topic ${name}, to be created at the start: ${why}`)
    const nameProblem = topicNameProblem(name)
    if (nameProblem !== null) throw refuse(nameProblem)
    const refusal = refuseTopicConfig(configs, { broker: NONE, cluster: NONE, static: NONE })
    if (refusal !== null) throw refuse(refusal.message)
    if (partitions > MAX_PARTITIONS_PER_REQUEST) throw refuse(`more than ${MAX_PARTITIONS_PER_REQUEST} partitions`)
  }
}

/** Those that are there already stay as they are; where they differ from what was asked for, a line says so. */
export async function createFirstTopics(engine: Engine, topics: readonly FirstTopic[]): Promise<void> {
  const { logger } = engine.io
  const { image } = engine.metadata
  const brokers = engine.cluster.ids.length
  const missing: FirstTopic[] = []
  for (const topic of topics) {
    const existing = image.topics.get(topic.name)
    if (existing === undefined) missing.push(topic)
    else reportDifferences(logger, topic, existing, image)
  }
  if (missing.length === 0) return
  for (const { name, replicationFactor } of missing) {
    if (replicationFactor <= brokers) continue
    logger.warn(`topic ${name} gets ${brokers} of ${replicationFactor} replicas: there is no more than one per broker`)
  }
  const wanted = missing.map((topic) => newTopicOf(topic, brokers))
  const created = await engine.metadata.change((now) => createTopics(now, wanted, engine.topicDefaults, false))
  for (const { name, error, message } of created) {
    if (error === ErrorCode.NONE) continue
    const reason = message ?? errorName(error)
    throw new ConfigError(TOPICS_SETTING, `topic ${name}, to be created at the start: ${reason}`)
  }
  const list = created.map(({ name, numPartitions }) => `${name} (${numPartitions})`)
  logger.info(`topics created, with their partitions: ${list.join(', ')}`)
}

function newTopicOf({ name, partitions, replicationFactor, configs }: FirstTopic, brokers: number): NewTopic {
  return {
    name,
    numPartitions: partitions,
    replicationFactor: Math.min(replicationFactor, brokers),
    assignments: [],
    configs: [...configs].map(([key, value]) => ({ name: key, value })),
  }
}

function reportDifferences(logger: Logger, wanted: FirstTopic, topic: TopicImage, image: MetadataImage): void {
  const differences: string[] = []
  const { length } = topic.partitions
  if (wanted.partitions !== -1 && wanted.partitions !== length) {
    differences.push(`${length} partitions instead of ${wanted.partitions}`)
  }
  const own = image.configOf(ConfigResource.TOPIC, wanted.name)
  for (const [name, value] of wanted.configs) {
    const now = own.get(name)
    if (now !== value) differences.push(now === undefined ? `no ${name}` : `${name} ${now} instead of ${value}`)
  }
  if (differences.length > 0) logger.warn(`topic ${wanted.name} stays as it is: it has ${differences.join(', ')}`)
}
