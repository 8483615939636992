import type { ConfigResourceType, MetadataImage, TopicImage } from './metadata-image.ts'
import { PersistentMap } from './persistent-map.ts'

/** Settings of one resource, by name. */
export type Texts = ReadonlyMap<string, string>
/** Of all resources of one type that have any, by their name. */
export type ResourceConfigs = PersistentMap<Texts>

const NO_TEXTS: Texts = new Map()
const NO_RESOURCES: ResourceConfigs = new PersistentMap()

export interface ImageParts {
  readonly clusterId: string
  readonly offset: number
  readonly features: ReadonlyMap<string, number>
  readonly topics: PersistentMap<TopicImage>
  readonly topicsById: PersistentMap<TopicImage>
  readonly configs: ReadonlyMap<number, ResourceConfigs>
  readonly nextProducerId: number
}

/** Metadata built from records; image-builder.ts makes the next one out of this one. */
export class Image implements MetadataImage, ImageParts {
  readonly clusterId: string
  readonly offset: number
  readonly features: ReadonlyMap<string, number>
  readonly topics: PersistentMap<TopicImage>
  readonly topicsById: PersistentMap<TopicImage>
  readonly configs: ReadonlyMap<number, ResourceConfigs>
  readonly nextProducerId: number

  constructor(parts: ImageParts) {
    this.clusterId = parts.clusterId
    this.offset = parts.offset
    this.features = parts.features
    this.topics = parts.topics
    this.topicsById = parts.topicsById
    this.configs = parts.configs
    this.nextProducerId = parts.nextProducerId
  }

  configOf(type: ConfigResourceType, name: string): Texts {
    return this.configs.get(type)?.get(name) ?? NO_TEXTS
  }

  configuredResources(type: ConfigResourceType): readonly string[] {
    return [...(this.configs.get(type)?.keys() ?? [])]
  }

  changedResources(type: ConfigResourceType, previous: MetadataImage): readonly string[] {
    if (!(previous instanceof Image)) throw new TypeError('images are made by image-builder.ts only')
    const [now, before] = [this.configs.get(type) ?? NO_RESOURCES, previous.configs.get(type) ?? NO_RESOURCES]
    return now === before ? [] : [...now.keysThatDiffer(before)]
  }
}

export interface TopicChanges {
  /** New, or with other partitions, leaders or epochs. */
  readonly changed: readonly TopicImage[]
  readonly removed: readonly TopicImage[]
}

/** What became of the topics between two images; of many thousand topics only a few are looked at. */
export function topicChanges(image: MetadataImage, previous: MetadataImage): TopicChanges {
  const changed: TopicImage[] = []
  const removed: TopicImage[] = []
  for (const id of idsThatDiffer(image.topicsById, previous.topicsById)) {
    const topic = image.topicsById.get(id)
    if (topic === undefined) removed.push(previous.topicsById.get(id)!)
    else changed.push(topic)
  }
  return { changed, removed }
}

function* idsThatDiffer(
  now: ReadonlyMap<string, TopicImage>,
  before: ReadonlyMap<string, TopicImage>,
): Generator<string, void, undefined> {
  if (now instanceof PersistentMap && before instanceof PersistentMap) {
    yield* now.keysThatDiffer(before) as Iterable<string>
    return
  }
  for (const [id, topic] of now) if (before.get(id) !== topic) yield id
  for (const id of before.keys()) if (!now.has(id)) yield id
}
