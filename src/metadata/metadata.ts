import type { MetadataImage } from './metadata-image.ts'

/** A record of the metadata log: its type id, version and decoded fields (protocol/messages/records/metadata.ts). */
export interface MetadataRecord {
  readonly type: number
  readonly version: number
  readonly value: object
}

/** What a command decides, looking at the newest image: the records to append and what to tell the caller. */
export interface Decision<T> {
  readonly records: readonly MetadataRecord[]
  readonly result: T
}

/** Follows the metadata log. Awaited before the change is answered, so that a created topic is usable at once. */
export type MetadataListener = (image: MetadataImage, previous: MetadataImage) => void | Promise<void>

/** Told when an image has become the current one. Whoever has work to do then does it later: nobody waits. */
export type PublishedListener = (image: MetadataImage, previous: MetadataImage) => void

export interface Metadata {
  /** The newest image that every listener has taken in. */
  readonly image: MetadataImage
  /**
   * Runs one command after the other. Resolves when its records are durable, in the image, and taken in by every
   * listener. No records: resolves with the result at once after the commands before it. A failure of the log rejects.
   */
  change<T>(decide: (image: MetadataImage) => Decision<T>): Promise<T>
  onChange(listener: MetadataListener): void
  onPublished(listener: PublishedListener): void
  close(): Promise<void>
}
