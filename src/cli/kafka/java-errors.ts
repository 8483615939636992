import { ErrorCode, errorName } from '../../../protocol/errors.ts'
import { ToolFailure } from './tool-failure.ts'

/** Java's names for error codes, where they are not the code's name in other letters. */
const OTHER_NAMES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNKNOWN_SERVER_ERROR, 'UnknownServerException'],
  [ErrorCode.CORRUPT_MESSAGE, 'CorruptRecordException'],
  [ErrorCode.REQUEST_TIMED_OUT, 'TimeoutException'],
  [ErrorCode.MESSAGE_TOO_LARGE, 'RecordTooLargeException'],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, 'InvalidTopicException'],
  [ErrorCode.RECORD_LIST_TOO_LARGE, 'RecordBatchTooLargeException'],
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'TopicAuthorizationException'],
  [ErrorCode.GROUP_AUTHORIZATION_FAILED, 'GroupAuthorizationException'],
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 'ClusterAuthorizationException'],
  [ErrorCode.TOPIC_ALREADY_EXISTS, 'TopicExistsException'],
  [ErrorCode.INVALID_CONFIG, 'InvalidConfigurationException'],
  [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 'OutOfOrderSequenceException'],
  [ErrorCode.KAFKA_STORAGE_ERROR, 'KafkaStorageException'],
  [ErrorCode.NON_EMPTY_GROUP, 'GroupNotEmptyException'],
])

/** What Java clients say where the broker gives no words of its own. Scripts look for some of these. */
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.OFFSET_OUT_OF_RANGE, 'The requested offset is not within the range of offsets maintained by the server.'],
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.'],
  [ErrorCode.NOT_COORDINATOR, 'This is not the correct coordinator.'],
  [ErrorCode.REQUEST_TIMED_OUT, 'The request timed out.'],
  [ErrorCode.INVALID_GROUP_ID, 'The group id is invalid.'],
  [ErrorCode.UNKNOWN_MEMBER_ID, 'The coordinator is not aware of this member.'],
  [ErrorCode.REBALANCE_IN_PROGRESS, 'The group is rebalancing, so a rejoin is needed.'],
  [ErrorCode.TOPIC_ALREADY_EXISTS, 'Topic with this name already exists.'],
  [ErrorCode.NON_EMPTY_GROUP, 'The group is not empty.'],
  [ErrorCode.GROUP_ID_NOT_FOUND, 'The group id does not exist.'],
  [
    ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
    'Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.',
  ],
  [ErrorCode.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.'],
  [ErrorCode.UNSUPPORTED_VERSION, 'The version of API is not supported.'],
])

const PACKAGE = 'org.apache.kafka.common.errors'

export const TIMEOUT = `${PACKAGE}.TimeoutException`

/** An error code of an answer as a Java client reports it. */
export function failureOf(code: number, message: string | null = null): ToolFailure {
  const words = errorName(code)
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
  const name = OTHER_NAMES.get(code) ?? `${words.join('')}Exception`
  return new ToolFailure(message || MESSAGES.get(code) || errorName(code), `${PACKAGE}.${name}`)
}

/** Throws it, unless the code is 0. */
export function refuse(code: number, message: string | null = null): void {
  if (code !== ErrorCode.NONE) throw failureOf(code, message)
}
