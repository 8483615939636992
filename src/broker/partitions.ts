import { ErrorCode } from '../../protocol/errors.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import type { LogHandle, LogStore } from '../storage/storage.ts'

/** A partition as a request meets it: either its log here, or the error and who leads it instead. */
export type Located =
  | { readonly error: typeof ErrorCode.NONE; readonly log: LogHandle; readonly leaderEpoch: number }
  | { readonly error: ErrorCode; readonly log: null; readonly leaderEpoch: number; readonly leaderId: number }

const UNKNOWN: Located = { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, log: null, leaderEpoch: -1, leaderId: -1 }

/** Finds the log a request means, for one broker. */
export class Partitions {
  readonly #store: Pick<LogStore, 'get'>
  readonly #selfId: number

  constructor(store: Pick<LogStore, 'get'>, selfId: number) {
    this.#store = store
    this.#selfId = selfId
  }

  /**
   * The log of a partition, when this broker leads it. `currentLeaderEpoch` is the epoch the client believes in, or -1:
   * older than ours is fenced, newer is not known here yet (KIP-320).
   */
  locate(topic: TopicImage | undefined, index: number, currentLeaderEpoch = -1): Located {
    const partition = topic?.partitions[index]
    if (topic === undefined || partition === undefined) return UNKNOWN
    const { leader: leaderId, leaderEpoch } = partition
    if (leaderId !== this.#selfId) {
      return { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, log: null, leaderEpoch, leaderId }
    }
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== leaderEpoch) {
      const stale = currentLeaderEpoch < leaderEpoch
      const error = stale ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
      return { error, log: null, leaderEpoch, leaderId }
    }
    const log = this.#store.get(topic.id, index)
    if (log === undefined) return { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, log: null, leaderEpoch, leaderId: -1 }
    return { error: ErrorCode.NONE, log, leaderEpoch }
  }

  /** The log of a partition of which this broker has a replica, led by it or not. */
  replica(topic: TopicImage | undefined, index: number): LogHandle | undefined {
    if (!topic?.partitions[index]?.replicas.includes(this.#selfId)) return undefined
    return this.#store.get(topic.id, index)
  }
}
