import { UNASSIGNED_DIRECTORY } from './leadership.ts'
import type { MetadataRecord } from './metadata.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import {
  configRecord,
  featureLevelRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  topicRecord,
} from './metadata-record.ts'

/** What of a broker itself belongs into a snapshot. */
export type Registration = Parameters<typeof registerBrokerRecord>[0]

/** The records that make an image out of nothing, in an order in which they can be applied. */
export function snapshotRecords(image: MetadataImage, registrations: readonly Registration[]): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const [name, level] of image.features) records.push(featureLevelRecord({ name, featureLevel: level }))
  for (const registration of registrations) records.push(registerBrokerRecord(registration))
  const directoryOf = new Map(registrations.map(({ brokerId, logDirs }) => [brokerId, logDirs?.[0]]))
  for (const topic of image.topics.values()) {
    records.push(topicRecord({ name: topic.name, topicId: topic.id }))
    for (const { index, ...partition } of topic.partitions) {
      records.push(
        partitionRecord({
          partitionId: index,
          topicId: topic.id,
          replicas: partition.replicas,
          isr: partition.isr,
          removingReplicas: [],
          addingReplicas: [],
          leader: partition.leader,
          leaderEpoch: partition.leaderEpoch,
          partitionEpoch: partition.partitionEpoch,
          directories: partition.replicas.map((id) => directoryOf.get(id) ?? UNASSIGNED_DIRECTORY),
        }),
      )
    }
  }
  for (const type of Object.values(ConfigResource)) {
    for (const resource of image.configuredResources(type)) {
      for (const [name, value] of image.configOf(type, resource)) {
        records.push(configRecord({ resourceType: type, resourceName: resource, name, value }))
      }
    }
  }
  if (image.nextProducerId > 0) {
    const { brokerId, brokerEpoch } = registrations[0]!
    records.push(producerIdsRecord({ brokerId, brokerEpoch, nextProducerId: image.nextProducerId }))
  }
  return records
}
