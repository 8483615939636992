import type { Logger } from 'pino'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import type { ConnectionInfo, Listener } from '../apis/context.ts'
import type { Clock, Timer } from '../io/clock.ts'
import type { Socket, SocketHandler } from '../io/transport.ts'
import type { LimitedLog } from './limited-log.ts'
import { ReplyQueue, type ReplyQueueOwner, type ReplySlot } from './reply-queue.ts'
import { type Intake, type IntakeHost, type IntakeOwner, RequestIntake } from './request-intake.ts'

/** How long a peer that was sent the end of the stream may take to close: time to read what was sent before. */
const LINGER_MS = 1000

/** What connections share. */
export interface ConnectionHost extends IntakeHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly log: LimitedLog
  /** Decodes a request and has it answered; throws ProtocolError for what cannot be answered. */
  dispatch(connection: Connection, intake: Intake): void
  /** Name and version of the API of a frame, as far as they can be read, for the log. */
  describe(frame: Buffer): object
  onConnectionClosed(connection: Connection, error: Error | null): void
}

/**
 * One client: its bytes become requests, in order and within limits; its replies go back in the same order. It lives
 * through three states: open, ending (all is answered and sent, the peer has time to read it), closed.
 */
export class Connection implements ConnectionInfo, SocketHandler, ReplyQueueOwner, IntakeOwner {
  readonly id: number
  readonly listener: Listener
  readonly advertisedHost: string
  readonly clientAddress: string
  readonly peer: string
  principal = 'User:ANONYMOUS'
  clientSoftwareName = ''
  clientSoftwareVersion = ''
  readonly replies: ReplyQueue
  /** Monotonic. */
  lastActiveMs: number
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #intake: RequestIntake
  #closeCallbacks: Set<() => void> | null = null
  #pumping = false
  #pumpScheduled = false
  #paused = false
  /** Neither read from nor written to, as if the process stood still. */
  #held = false
  /** No further request is taken; what was taken is answered. */
  #refusing = false
  /** Of a request that no other is taken after. */
  #lastSlot: ReplySlot | null = null
  /** How many want requests not to be begun; their order stays. */
  #holds = 0
  #ending = false
  #closed = false
  #lingerMs = LINGER_MS
  #linger: Timer | null = null

  constructor(id: number, listener: Listener, advertisedHost: string, socket: Socket, host: ConnectionHost) {
    this.id = id
    this.listener = listener
    this.advertisedHost = advertisedHost
    this.clientAddress = socket.remoteAddress
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`
    this.lastActiveMs = host.clock.monotonicMs()
    this.#socket = socket
    this.#host = host
    this.replies = new ReplyQueue(socket, this)
    this.#intake = new RequestIntake(host, this)
  }

  /** The client can no longer be answered. */
  get closed(): boolean {
    return this.#ending
  }

  /** What the client waits for is ours to do: no idle limit applies. */
  get busy(): boolean {
    return this.#intake.busy
  }

  /** Holds memory for a frame whose rest the peer could send and does not. */
  get awaitsRest(): boolean {
    return this.#intake.assembling && !this.#paused
  }

  onClose(callback: () => void): () => void {
    if (this.#ending) {
      callback()
      return () => {}
    }
    // Registered twice, it runs twice and is forgotten once.
    const entry = () => callback()
    const callbacks = (this.#closeCallbacks ??= new Set())
    callbacks.add(entry)
    return () => void callbacks.delete(entry)
  }

  open(): void {
    this.#socket.open(this)
  }

  onData(chunk: Buffer, lent: boolean): void {
    if (this.#refusing) return
    this.lastActiveMs = this.#host.clock.monotonicMs()
    this.#intake.append(chunk, lent)
    this.#pump()
  }

  readInto(): Buffer | null {
    return this.#intake.readInto()
  }

  onEnd(): void {
    this.#refusing = true
    this.#end()
  }

  onClosed(error: Error | null): void {
    this.#closed = true
    this.#refusing = true
    this.#linger?.cancel()
    this.#leave()
    this.#host.onConnectionClosed(this, error)
  }

  onAdmitted(): void {
    this.#pump()
  }

  onWritten(): void {
    this.lastActiveMs = this.#host.clock.monotonicMs()
    if (this.#ending) this.#lingerOrDestroy()
    else this.#pump()
  }

  onLastReply(): void {
    this.#end()
  }

  /** A request's reply is encoded, or there is none: what it held is free, and its reply may leave. */
  finish(intake: Intake): void {
    this.#intake.finish(intake)
    if (this.#pumping || this.#pumpScheduled || this.#ending) return
    this.#pumpScheduled = true
    // After all promises that this turn resolves: an appended group or a woken long poll answers many at once.
    process.nextTick(pumpScheduled, this)
  }

  runScheduled(): void {
    this.#pumpScheduled = false
    this.#pump()
  }

  /** Ends the connection once everything before is answered: the protocol has no reply for this. */
  refuse(kind: string, fields: object, reason: string): void {
    if (this.#refusing) return
    const { log } = this.#host
    log.warn(kind, { peer: this.peer, listener: this.listener.name, ...fields, reason }, 'closing a connection')
    this.#refusing = true
    this.replies.endAt(this.replies.add())
  }

  /** A bug of ours: what this connection is owed is not known any more, the others go on. */
  fail(error: unknown): void {
    this.#host.logger.error({ err: error, peer: this.peer }, 'closing a connection after an internal failure')
    this.destroy()
  }

  /** Reads no more, answers what is in progress, then closes without waiting for the peer. */
  drain(): void {
    this.#lingerMs = 0
    if (this.#ending) this.#lingerOrDestroy()
    else if (this.#lastSlot !== null) this.replies.endAt(this.#lastSlot)
    else if (!this.#refusing) {
      this.#refusing = true
      this.#setPaused(true)
      this.replies.endAt(this.replies.add())
    }
  }

  /** Whatever the peer sends after this request is dropped; without an answer to it no later one could leave. */
  takeLast(slot: ReplySlot): void {
    this.#refusing = true
    this.#lastSlot = slot
  }

  /** The next requests wait for as many calls of `admitRequests`; those that were begun are answered. */
  holdRequests(): void {
    this.#holds++
  }

  admitRequests(): void {
    if (--this.#holds === 0) this.#pump()
  }

  /** Stands still until `letGo`: the peer sees a broker that neither reads nor answers. */
  hold(): void {
    this.#held = true
    if (!this.#ending) this.#setPaused(true)
  }

  letGo(): void {
    this.#held = false
    this.#pump()
  }

  /** Closes now: replies that are not with the operating system are lost. */
  destroy(): void {
    this.#refusing = true
    this.#leave()
    this.#socket.destroy()
  }

  /** Begins the requests that may begin, sends what is ready, and reads on or not. */
  #pump(): void {
    if (this.#pumping || this.#ending || this.#held) return
    this.#pumping = true
    this.#beginRequests()
    this.#pumping = false
    if (this.#ending) return
    this.replies.flush()
    this.#setPaused(!this.#refusing && (this.#holds > 0 || this.#intake.blocked || this.#repliesPileUp))
  }

  #beginRequests(): void {
    try {
      while (!this.#refusing && this.#holds === 0 && !this.#repliesPileUp) {
        const intake = this.#intake.next()
        if (intake === null) return
        this.#begin(intake)
      }
    } catch (error) {
      this.#giveUp(error, () => ({}))
    }
  }

  #begin(intake: Intake): void {
    try {
      this.#host.dispatch(this, intake)
    } catch (error) {
      this.#intake.finish(intake)
      this.#giveUp(error, () => this.#host.describe(intake.frame))
    }
  }

  #giveUp(error: unknown, describe: () => object): void {
    if (error instanceof ProtocolError) this.refuse('protocol', describe(), error.message)
    else this.fail(error)
  }

  /** The peer does not read: more work for it would only grow memory. */
  get #repliesPileUp(): boolean {
    return this.replies.pendingBytes > this.#host.limits.connectionReplyBytes
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#paused) return
    this.#paused = paused
    if (paused) this.#socket.pause()
    else {
      // While it was held up by us the peer was not idle.
      this.lastActiveMs = this.#host.clock.monotonicMs()
      this.#socket.resume()
    }
  }

  /** Nothing more will be sent: ends our direction and gives the peer time to read, unless it is gone itself. */
  #end(): void {
    if (this.#ending) return
    this.replies.flush()
    this.#leave()
    this.#socket.end()
    // Bytes that nobody read would make the closing socket send a reset, and the peer might lose the last replies.
    if (this.#lingerMs > 0) this.#setPaused(false)
    this.#lingerOrDestroy()
  }

  #leave(): void {
    if (this.#ending) return
    this.#ending = true
    const callbacks = this.#closeCallbacks ?? []
    this.#closeCallbacks = null
    for (const callback of callbacks) callback()
    this.#intake.close()
    this.replies.close()
  }

  #lingerOrDestroy(): void {
    if (this.#closed || this.replies.isWriting) return
    this.#linger?.cancel()
    if (this.#lingerMs === 0) this.#socket.destroy()
    else this.#linger = this.#host.clock.schedule(this.#lingerMs, () => this.#socket.destroy())
  }
}

function pumpScheduled(connection: Connection): void {
  connection.runScheduled()
}
