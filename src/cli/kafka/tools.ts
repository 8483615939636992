import { nodeDependencies } from '../../client/node-client.ts'
import { processIo } from './process-io.ts'
import type { ToolIo } from './tool-io.ts'

export type KafkaTool = (args: readonly string[], io: ToolIo) => Promise<number>

/** Each is loaded when it is called: a healthcheck pays for one tool alone. */
export const TOOLS: Readonly<Record<string, () => Promise<KafkaTool>>> = {
  'kafka-topics': async () => (await import('./kafka-topics.ts')).kafkaTopics,
  'kafka-configs': async () => (await import('./kafka-configs.ts')).kafkaConfigs,
  'kafka-features': async () => (await import('./kafka-features.ts')).kafkaFeatures,
  'kafka-metadata-quorum': async () => (await import('./kafka-metadata-quorum.ts')).kafkaMetadataQuorum,
  'kafka-server-start': async () => (await import('./kafka-server-start.ts')).kafkaServerStart,
  'kafka-server-stop': async () => (await import('./kafka-server-stop.ts')).kafkaServerStop,
  'zookeeper-server-start': async () => (await import('./zookeeper-server-start.ts')).zookeeperServerStart,
  'kafka-storage': async () => (await import('./kafka-storage.ts')).kafkaStorage,
  'kafka-console-producer': async () => (await import('./kafka-console-producer.ts')).kafkaConsoleProducer,
  'kafka-console-consumer': async () => (await import('./kafka-console-consumer.ts')).kafkaConsoleConsumer,
  'kafka-consumer-groups': async () => (await import('./kafka-consumer-groups.ts')).kafkaConsumerGroups,
  'kafka-broker-api-versions': async () => (await import('./kafka-broker-api-versions.ts')).kafkaBrokerApiVersions,
  'kafka-cluster': async () => (await import('./kafka-cluster.ts')).kafkaCluster,
  'kafka-get-offsets': async () => (await import('./kafka-get-offsets.ts')).kafkaGetOffsets,
  'kafka-delete-records': async () => (await import('./kafka-delete-records.ts')).kafkaDeleteRecords,
  'kafka-log-dirs': async () => (await import('./kafka-log-dirs.ts')).kafkaLogDirs,
  'kafka-leader-election': async () => (await import('./kafka-leader-election.ts')).kafkaLeaderElection,
}

function ofProcess(load: () => Promise<KafkaTool>): () => Promise<(args: readonly string[]) => Promise<number>> {
  return async () => {
    const tool = await load()
    return (args) => tool(args, processIo(nodeDependencies))
  }
}

/** The tools of Kafka by Kafka's names, with and without `.sh`, for `odradek kafka-topics …` and the like. */
export const KAFKA_TOOLS: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<number>>>> =
  Object.fromEntries(
    Object.entries(TOOLS).flatMap(([name, load]) => [
      [name, ofProcess(load)],
      [`${name}.sh`, ofProcess(load)],
    ]),
  )
