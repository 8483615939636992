import type { Logger } from 'pino'
import type { BrokerConfig } from '../config/broker-config.ts'
import { type DiskMark, type DiskMarks, diskMarks, lowBytesOf } from '../config/disk-mark.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Clock, Timer } from '../io/clock.ts'
import type { FileSystemSpace } from '../io/file-system.ts'
import { topicChanges } from '../metadata/image.ts'
import { isInternalTopic } from '../metadata/internal-topics.ts'
import type { Metadata } from '../metadata/metadata.ts'
import { ConfigResource, type MetadataImage, type TopicImage } from '../metadata/metadata-image.ts'
import type { DeletedSegments, DiskUse } from '../storage/disk-use.ts'
import type { LogStore } from '../storage/storage.ts'
import { deletedText, stateText } from './disk-budget-text.ts'
import {
  type DiskBudgetState,
  type DiskLevel,
  excessBytes,
  isUnderPressure,
  mustDelete,
  nextState,
} from './disk-gauge.ts'

/** How often the file system is asked, and how long a budget that is used up waits before it looks again. */
const CHECK_INTERVAL_MS = 1000

/** KIP-219: kafkajs and the Java client then ask once a second; kafkajs also waits that much longer before it gives up. */
const REJECTED_THROTTLE_MS = 1000

/** What one budget is about, and how it stands. */
export interface BudgetStatus extends DiskLevel {
  /** Null for the budget of the whole broker. */
  readonly topic: string | null
  readonly state: DiskBudgetState
}

interface TopicBudget {
  readonly name: string
  readonly topicId: string
  readonly highBytes: number
  state: DiskBudgetState
}

export interface DiskBudgetOptions {
  readonly disk: DiskUse
  readonly store: Pick<LogStore, 'onAdvance'>
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: Pick<Metadata, 'image' | 'onChange'>
  /** The broker's settings as they are now. */
  readonly brokerConfigOf: (image: MetadataImage) => BrokerConfig
  readonly topicConfigOf: (image: MetadataImage, topic: string) => TopicConfig
}

/**
 * Keeps the logs within the disk they may fill: of the broker as a whole, and of single topics. Above the high mark the
 * oldest closed segments go where a topic's settings allow it; where that is not enough, producers are told to wait
 * until the low mark is reached. What the broker writes itself (group offsets, metadata) goes on in any case, and so
 * does whatever makes room.
 */
export class DiskBudget {
  readonly #options: DiskBudgetOptions
  #marks: DiskMarks | null = null
  #state: DiskBudgetState = 'open'
  /** By topic id: those with a budget of their own. */
  readonly #topics = new Map<string, TopicBudget>()
  /** Share of the file system that is not segments, as of the last look; 0 while only segments are counted. */
  #otherBytes = 0
  #space: FileSystemSpace | null = null
  #timer: Timer | null = null
  #check: Promise<void> | null = null
  /** Something changed while it was being checked. */
  #checkAgain = false
  #closed = false
  #rejectedRequests = 0
  #deletedSegments = 0
  #deletedBytes = 0

  constructor(options: DiskBudgetOptions) {
    this.#options = options
    options.store.onAdvance(({ topicId }, appendedBytes) => {
      if (appendedBytes > 0) this.#noticeGrowth(topicId)
    })
  }

  /** Of the broker as a whole. */
  get state(): DiskBudgetState {
    return this.#state
  }

  /**
   * How long clients are asked to leave their connection alone. Only where all they could send is refused: the budget
   * of one topic must not slow down what they write to others.
   */
  get throttleTimeMs(): number {
    return this.#state === 'rejecting' ? REJECTED_THROTTLE_MS : 0
  }

  /** Of all segments on the disk, or of everything on the file system where the budget is a share of that. */
  get usedBytes(): number {
    return this.#otherBytes + this.#options.disk.usedBytes
  }

  /** The high mark; null without a budget, and until the size of the file system is known. */
  get limitBytes(): number | null {
    return this.#bytesOf(this.#marks?.high)
  }

  /** Where rejecting ends and deleting stops. */
  get lowBytes(): number | null {
    return this.#bytesOf(this.#marks?.low)
  }

  /** Produce requests of which at least one partition was refused for want of room. */
  get rejectedRequests(): number {
    return this.#rejectedRequests
  }

  get deletedSegments(): number {
    return this.#deletedSegments
  }

  get deletedBytes(): number {
    return this.#deletedBytes
  }

  /** The budgets of single topics. */
  get topics(): readonly BudgetStatus[] {
    return [...this.#topics.values()].map((budget) => this.#statusOfTopic(budget))
  }

  /** Looks at once, then follows the settings. Called when all logs are open. */
  async start(): Promise<void> {
    const { metadata } = this.#options
    const { image } = metadata
    for (const name of image.configuredResources(ConfigResource.TOPIC)) this.#configureTopic(image, name)
    this.#configureBroker(image)
    metadata.onChange((next, previous) => this.#follow(next, previous))
    if (this.#isInForce) await this.check()
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#check
  }

  /** Why producers of a topic have to wait, or null. On the path of every request. */
  refusal(topic: TopicImage): string | null {
    if (topic.internal) return null
    const own = this.#topics.get(topic.id)
    if (own?.state === 'rejecting') return stateText(this.#statusOfTopic(own))
    if (this.#state !== 'rejecting') return null
    const status = this.#status()
    return status === null ? null : stateText(status)
  }

  noteRejected(): void {
    this.#rejectedRequests++
  }

  /** Measures, deletes and decides now; otherwise done when a mark is passed, and every second while it has to be. */
  check(): Promise<void> {
    this.#check ??= this.#checkNow()
      .catch((error: unknown) => {
        this.#options.logger.error({ err: error }, 'the disk budget could not be checked')
      })
      .finally(() => {
        this.#check = null
        if (this.#checkAgain && !this.#closed) void this.check()
        else this.#schedule()
        this.#checkAgain = false
      })
    return this.#check
  }

  #noticeGrowth(topicId: string): void {
    if (this.#check !== null || this.#closed) return
    const own = this.#topics.size === 0 ? undefined : this.#topics.get(topicId)
    const status = this.#status()
    const passed = (level: BudgetStatus) => level.state !== 'rejecting' && mustDelete(level.state, level)
    if ((status !== null && passed(status)) || (own && passed(this.#statusOfTopic(own)))) void this.check()
  }

  async #checkNow(): Promise<void> {
    if (this.#marks?.high.unit === 'percent') await this.#measure()
    for (const budget of [...this.#topics.values()]) {
      await this.#enforce(
        () => this.#statusOfTopic(budget),
        budget.topicId,
        (state) => {
          budget.state = state
        },
      )
    }
    await this.#enforce(
      () => this.#status(),
      null,
      (state) => {
        this.#state = state
      },
    )
  }

  async #enforce(
    statusNow: () => BudgetStatus | null,
    topicId: string | null,
    become: (state: DiskBudgetState) => void,
  ): Promise<void> {
    const before = statusNow()
    if (before === null || this.#closed) return
    if (isUnderPressure(before.state, before) && before.state !== 'deleting') {
      // From here on files go as fast as they can, and those first that no log needs any more.
      if (before.state === 'open') become('deleting')
      this.#hurry()
      await this.#options.disk.removeExpired()
    }
    const now = statusNow() ?? before
    const pressing = mustDelete(before.state, now) ? await this.#deleteOldest(topicId, statusNow) : []
    const after = statusNow() ?? now
    const state = nextState(before.state, after)
    become(state)
    if (pressing.length > 0) this.#options.logger.warn(deletedText(after, pressing))
    if (state === before.state) return
    const text = stateText({ ...after, state })
    if (state === 'open') {
      this.#hurry()
      this.#options.logger.info(text)
    } else this.#options.logger.warn(text)
  }

  async #deleteOldest(
    topicId: string | null,
    statusNow: () => BudgetStatus | null,
  ): Promise<readonly DeletedSegments[]> {
    const deleted = await this.#options.disk.deleteOldest({
      topicId,
      excessBytes: () => {
        const level = statusNow()
        return level === null || this.#closed ? 0 : excessBytes(level)
      },
      mayDelete: (topic) => !isInternalTopic(topic),
    })
    for (const { segments, bytes } of deleted) {
      this.#deletedSegments += segments
      this.#deletedBytes += bytes
    }
    return deleted
  }

  #hurry(): void {
    const all = this.#state !== 'open'
    const some = new Set(
      [...this.#topics.values()].filter(({ state }) => state !== 'open').map(({ topicId }) => topicId),
    )
    this.#options.disk.hurry((topicId) => all || some.has(topicId))
  }

  /** What others have on the file system; between two looks the segments alone are followed. */
  async #measure(): Promise<void> {
    const { disk, logger } = this.#options
    const segmentBytes = disk.usedBytes
    try {
      this.#space = await disk.measureSpace()
    } catch (error) {
      logger.warn({ err: error }, 'the size of the file system is not known; the disk budget goes by what it was')
    }
    if (this.#space !== null) this.#otherBytes = Math.max(0, this.#space.usedBytes - segmentBytes)
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer?.cancel()
    this.#timer = null
    const pressed = this.#state !== 'open' || [...this.#topics.values()].some(({ state }) => state !== 'open')
    if (!pressed && this.#marks?.high.unit !== 'percent') return
    this.#timer = this.#options.clock.schedule(CHECK_INTERVAL_MS, () => void this.check())
  }

  #status(): BudgetStatus | null {
    const [highBytes, lowBytes] = [this.limitBytes, this.lowBytes]
    if (highBytes === null || lowBytes === null) return null
    const { leavingBytes } = this.#options.disk
    return { topic: null, state: this.#state, usedBytes: this.usedBytes, leavingBytes, highBytes, lowBytes }
  }

  #statusOfTopic({ name, topicId, highBytes, state }: TopicBudget): BudgetStatus {
    const { disk } = this.#options
    return {
      topic: name,
      state,
      usedBytes: disk.topicUsedBytes(topicId),
      leavingBytes: disk.topicLeavingBytes(topicId),
      highBytes,
      lowBytes: lowBytesOf(highBytes),
    }
  }

  /** A share is one of what an ordinary user can fill, as `df` shows it. */
  #bytesOf(mark: DiskMark | undefined): number | null {
    if (mark === undefined) return null
    if (mark.unit === 'bytes') return mark.bytes
    if (this.#space === null) return null
    return Math.floor(((this.#space.usedBytes + this.#space.freeBytes) * mark.percent) / 100)
  }

  #follow(image: MetadataImage, previous: MetadataImage): void {
    const names = image.changedResources(ConfigResource.TOPIC, previous)
    const ofBroker = image.changedResources(ConfigResource.BROKER, previous).length > 0
    for (const { id } of topicChanges(image, previous).removed) this.#topics.delete(id)
    for (const name of names) this.#configureTopic(image, name)
    if (ofBroker) this.#configureBroker(image)
    if ((!ofBroker && names.length === 0) || !this.#isInForce) return
    // Not awaited: the change is in force, and who made it need not wait until files are deleted.
    this.#checkAgain = this.#check !== null
    void this.check()
  }

  get #isInForce(): boolean {
    return this.#marks !== null || this.#topics.size > 0
  }

  #configureBroker(image: MetadataImage): void {
    const config = this.#options.brokerConfigOf(image)
    this.#marks = diskMarks(config['odradek.disk.budget.high'], config['odradek.disk.budget.low'])
    if (this.#marks?.high.unit !== 'percent') this.#otherBytes = 0
    if (this.#marks === null) this.#state = 'open'
    this.#hurry()
  }

  #configureTopic(image: MetadataImage, name: string): void {
    const topic = image.topics.get(name)
    if (topic === undefined || topic.internal) return
    const highBytes = this.#options.topicConfigOf(image, name)['odradek.disk.budget.bytes']
    const state = this.#topics.get(topic.id)?.state ?? 'open'
    if (highBytes < 0) this.#topics.delete(topic.id)
    else this.#topics.set(topic.id, { name, topicId: topic.id, highBytes, state })
    this.#hurry()
  }
}
