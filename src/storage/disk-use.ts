import type { FileSystemSpace } from '../io/file-system.ts'

/** What the logs of a store take of the disk, and how to take less. Only an engine with a disk of its own has one. */
export interface DiskUse {
  /** Of all segments whose files are there: those of the logs, and those that are only waiting to be removed. */
  readonly usedBytes: number
  /** The latter alone: out of their logs already, so that removing more does not make them go. */
  readonly leavingBytes: number
  topicUsedBytes(topicId: string): number
  topicLeavingBytes(topicId: string): number
  /** The file system as a whole, with what others keep there; null where nobody can tell. */
  measureSpace(): Promise<FileSystemSpace | null>
  /**
   * Takes closed segments out of their logs, the oldest first, for as long as `excessBytes` is above zero; resolves when
   * their files are about to go. Only of topics whose settings allow it: odradek.disk.budget.action is delete, and
   * cleanup.policy contains delete.
   */
  deleteOldest(request: OldestRequest): Promise<readonly DeletedSegments[]>
  /** What retention allows to go, and what DeleteRecords has left behind, goes now. */
  removeExpired(): Promise<void>
  /** The files of these topics do not stay for file.delete.delay.ms, those that wait already included. */
  hurry(isUrgent: (topicId: string) => boolean): void
}

export interface OldestRequest {
  /** Null: of all topics. */
  readonly topicId: string | null
  /** Asked again after each segment. */
  readonly excessBytes: () => number
  readonly mayDelete: (topic: string) => boolean
}

/** What one log has lost. */
export interface DeletedSegments {
  readonly topic: string
  readonly partition: number
  readonly segments: number
  readonly bytes: number
  readonly logStartOffset: number
}
