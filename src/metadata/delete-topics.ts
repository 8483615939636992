import { ErrorCode } from '../../protocol/errors.ts'
import type { Decision, MetadataRecord } from './metadata.ts'
import type { MetadataImage } from './metadata-image.ts'
import { removeTopicRecord } from './metadata-record.ts'

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** A topic named one way or the other: exactly one of name and id is meant. */
export interface DoomedTopic {
  readonly name: string | null
  /** The zero id when the name counts. */
  readonly topicId: string
}

export interface DeletedTopic extends DoomedTopic {
  readonly error: ErrorCode
  readonly message: string | null
}

/** Decides on each topic by itself. What is asked for twice, by name or id, is an error and not deleted. */
export function deleteTopics(image: MetadataImage, asked: readonly DoomedTopic[]): Decision<DeletedTopic[]> {
  const times = new Map<string, number>()
  const key = ({ name, topicId }: DoomedTopic) =>
    image.topics.get(name ?? '')?.id ?? (name === null ? topicId : `name ${name}`)
  for (const topic of asked) times.set(key(topic), (times.get(key(topic)) ?? 0) + 1)
  const records: MetadataRecord[] = []
  const once = [...new Map(asked.map((topic) => [key(topic), topic])).values()]
  const result = once.map((topic): DeletedTopic => {
    const { name, topicId } = topic
    if (name !== null && topicId !== ZERO_ID) {
      return {
        ...topic,
        error: ErrorCode.INVALID_REQUEST,
        message: 'You may not specify both topic name and topic id.',
      }
    }
    if (name === null && topicId === ZERO_ID) {
      return { ...topic, error: ErrorCode.INVALID_REQUEST, message: 'Neither topic name nor id were specified.' }
    }
    if (times.get(key(topic))! > 1) {
      const message = name === null ? 'Duplicate topic id.' : 'Duplicate topic name.'
      return { ...topic, error: ErrorCode.INVALID_REQUEST, message }
    }
    const found = name === null ? image.topicsById.get(topicId) : image.topics.get(name)
    if (found === undefined) {
      const unknown = name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      const message =
        name === null ? 'This server does not host this topic ID.' : 'This server does not host this topic-partition.'
      return { ...topic, error: unknown, message }
    }
    records.push(removeTopicRecord({ topicId: found.id }))
    return { name: found.name, topicId: found.id, error: ErrorCode.NONE, message: null }
  })
  return { records, result }
}
