import { type Channel, channel } from 'node:diagnostics_channel'
import type { Logger } from 'pino'
import type { Clock } from '../io/clock.ts'
import type { Membership } from '../metadata/membership.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { BROKER_EVENT_NAMES, type BrokerEventBase, type BrokerEventMap, type BrokerEventName } from './broker-event.ts'

/** Called synchronously, where it happens: what it does first delays what the broker does next. */
export type BrokerEventListener<K extends BrokerEventName> = (event: BrokerEventMap[K]) => void

/** Where something happens; a `Broker` is one. */
export interface EventOrigin {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly metadata: { readonly image: Pick<MetadataImage, 'clusterId'> }
  readonly membership: Pick<Membership, 'selfId'>
}

export type EventFields<K extends BrokerEventName> = Omit<BrokerEventMap[K], keyof BrokerEventBase>

type AnyListener = (event: never) => unknown

interface Subject {
  /** Replaced, never changed: whoever is being told is told of an event to its end. */
  listeners: readonly AnyListener[]
  readonly channel: Channel
}

const NOBODY: readonly AnyListener[] = Object.freeze([])

/**
 * What happens in the brokers of this process, for whoever wants to see it: `on('produce', …)`, or the channel
 * `odradek:produce` of `node:diagnostics_channel`. Nobody looks: nothing is built. A listener that fails is logged
 * once and harms nobody.
 */
export class BrokerEvents {
  readonly #subjects: Readonly<Record<BrokerEventName, Subject>>
  readonly #logger: Logger
  readonly #failed = new WeakSet<AnyListener>()

  constructor(logger: Logger) {
    this.#logger = logger
    const subjects = BROKER_EVENT_NAMES.map((name) => [
      name,
      { listeners: NOBODY, channel: channel(`odradek:${name}`) },
    ])
    this.#subjects = Object.fromEntries(subjects) as Record<BrokerEventName, Subject>
  }

  /** Gives a function that ends it. A listener added twice is called twice. */
  on<K extends BrokerEventName>(name: K, listener: BrokerEventListener<K>): () => void {
    const subject = this.#subjectOf(name)
    // An own identity for each call: ending one must not end the other.
    const own = (event: BrokerEventMap[K]): unknown => listener(event)
    const entry = Object.assign(own, { listener }) as AnyListener
    subject.listeners = [...subject.listeners, entry]
    return () => {
      subject.listeners = subject.listeners.filter((one) => one !== entry)
    }
  }

  /** Ends every subscription of this listener to this event. */
  off<K extends BrokerEventName>(name: K, listener: BrokerEventListener<K>): void {
    const subject = this.#subjectOf(name)
    subject.listeners = subject.listeners.filter((one) => (one as { listener?: unknown }).listener !== listener)
  }

  /**
   * The first event from now on that fits. Rejects with the signal's reason when that aborts first, as
   * `AbortSignal.timeout(1000)` does.
   */
  next<K extends BrokerEventName>(
    name: K,
    fits: (event: BrokerEventMap[K]) => boolean = () => true,
    signal?: AbortSignal,
  ): Promise<BrokerEventMap[K]> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const settle = (end: () => void) => {
        stop()
        signal?.removeEventListener('abort', onAbort)
        end()
      }
      const onAbort = () => settle(() => reject(signal?.reason))
      const stop = this.on(name, (event) => {
        try {
          if (fits(event)) settle(() => resolve(event))
        } catch (error) {
          settle(() => reject(error))
        }
      })
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** Whether anybody looks: asked before an event is built. */
  has(name: BrokerEventName): boolean {
    const { listeners, channel } = this.#subjects[name]
    return listeners.length > 0 || channel.hasSubscribers
  }

  emit<K extends BrokerEventName>(name: K, { clock, metadata, membership }: EventOrigin, fields: EventFields<K>): void {
    const { listeners, channel } = this.#subjects[name]
    if (listeners.length === 0 && !channel.hasSubscribers) return
    const base: BrokerEventBase = {
      clusterId: metadata.image.clusterId,
      brokerId: membership.selfId,
      timestampMs: clock.nowMs(),
    }
    const event = Object.freeze({ ...base, ...fields })
    for (const listener of listeners) this.#tell(name, listener, event as never)
    // What fails in a subscriber of a channel Node itself throws later, as an uncaught exception.
    if (channel.hasSubscribers) channel.publish(event)
  }

  #tell(name: BrokerEventName, listener: AnyListener, event: never): void {
    try {
      const result = listener(event)
      if (result instanceof Promise) result.catch((error: unknown) => this.#onFailure(name, listener, error))
    } catch (error) {
      this.#onFailure(name, listener, error)
    }
  }

  #onFailure(name: BrokerEventName, listener: AnyListener, error: unknown): void {
    if (this.#failed.has(listener)) return
    this.#failed.add(listener)
    this.#logger.error({ err: error, event: name }, `a listener of '${name}' failed; it is told of further events`)
  }

  #subjectOf(name: BrokerEventName): Subject {
    const subject = this.#subjects[name]
    if (subject !== undefined && Object.hasOwn(this.#subjects, name)) return subject
    throw new TypeError(`there is no event '${String(name)}'; there are ${BROKER_EVENT_NAMES.join(', ')}`)
  }
}
