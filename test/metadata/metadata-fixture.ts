import { pino } from 'pino'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { NewTopic, TopicDefaults } from '../../src/metadata/create-topics.ts'
import { applyRecords, emptyImage } from '../../src/metadata/image-builder.ts'
import { LocalMetadata } from '../../src/metadata/local-metadata.ts'
import type { MetadataRecord } from '../../src/metadata/metadata.ts'
import { ConfigResource, type MetadataImage } from '../../src/metadata/metadata-image.ts'
import { newTopicId } from '../../src/metadata/topic-id.ts'

export const DIRECTORY = '/data/__cluster_metadata-0'
export const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** As the storage does before: the data directory is there for good. */
export async function formatted(disk: SimulatedFileSystem): Promise<SimulatedFileSystem> {
  disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  return disk
}

export function openMetadata(
  disk: SimulatedFileSystem,
  options: { sync?: boolean; snapshotAfterBytes?: number } = {},
): Promise<LocalMetadata> {
  return LocalMetadata.open({
    fs: disk,
    clock: new SimulatedClock(),
    directory: DIRECTORY,
    clusterId: 'a-cluster',
    nodeId: 1,
    sync: true,
    logger: pino({ level: 'silent' }),
    ...options,
    registrations: [
      {
        brokerId: 1,
        incarnationId: 'HXWRQiu2TVCTX3aZSpgrCg',
        endPoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
        features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
        rack: null,
        logDirs: ['GGD46Ll1uvt017nU4T22-w'],
      },
    ],
  })
}

export function newTopic(name: string, more: Partial<NewTopic> = {}): NewTopic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more }
}

export function topicDefaults(seed = 1, more: Partial<TopicDefaults> = {}): TopicDefaults {
  const random = new SimulatedRandom(seed)
  return { numPartitions: 1, replicationFactor: 1, brokerIds: [1], newTopicId: () => newTopicId(random), ...more }
}

/** An image that only some records made. */
export function imageOf(records: readonly MetadataRecord[] = []): MetadataImage {
  return applyRecords(emptyImage('a-cluster'), records, records.length - 1)
}

/** Everything an image says, in plain and sorted form; without leader epochs where a restart lies in between. */
export function plain(image: MetadataImage, options: { epochs?: boolean } = {}): unknown {
  const withEpochs = options.epochs ?? true
  const configs: string[] = []
  for (const type of Object.values(ConfigResource)) {
    for (const name of image.configuredResources(type)) {
      for (const [key, value] of image.configOf(type, name)) configs.push(`${type}/${name}/${key}=${value}`)
    }
  }
  return {
    clusterId: image.clusterId,
    features: [...image.features].sort(),
    nextProducerId: image.nextProducerId,
    topics: [...image.topics.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((partition) =>
          withEpochs ? partition : { ...partition, leaderEpoch: -1, partitionEpoch: -1 },
        ),
      })),
    ids: [...image.topicsById.keys()].sort(),
    configs: configs.sort(),
  }
}
