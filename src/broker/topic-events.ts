import { topicChanges } from '../metadata/image.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import type { BrokerEvents, EventOrigin } from './broker-events.ts'

/** What became of the topics between two images, as events; called when the newer one is the current one. */
export function emitTopicChanges(
  events: BrokerEvents,
  origin: EventOrigin,
  image: MetadataImage,
  previous: MetadataImage,
): void {
  if (!events.has('topicCreated') && !events.has('topicDeleted') && !events.has('leaderChange')) return
  const { changed, removed } = topicChanges(image, previous)
  for (const { name, id } of removed) events.emit('topicDeleted', origin, { topic: name, topicId: id })
  for (const topic of changed) {
    const before = previous.topicsById.get(topic.id)
    if (before) emitLeaderChanges(events, origin, topic, before)
    else {
      const { name, id, internal, partitions } = topic
      events.emit('topicCreated', origin, { topic: name, topicId: id, partitionCount: partitions.length, internal })
    }
  }
}

function emitLeaderChanges(events: BrokerEvents, origin: EventOrigin, topic: TopicImage, before: TopicImage): void {
  topic.partitions.forEach(({ leader: to, leaderEpoch }, partition) => {
    const from = before.partitions[partition]?.leader
    if (from === undefined || from === to) return
    events.emit('leaderChange', origin, { topic: topic.name, partition, from, to, leaderEpoch })
  })
}
