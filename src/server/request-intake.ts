import type { HeldBack } from '../apis/api-entry.ts'
import { FrameReader } from './frame-reader.ts'
import type { ServerLimits } from './limits.ts'
import type { RequestMemory } from './request-memory.ts'

const FORGOTTEN = Buffer.alloc(0)

/** A frame on its way through the server, and what it holds until its reply is encoded. */
export class Intake {
  frame: Buffer
  readonly bytes: number
  readonly apiKey: number
  /** Memory beyond the common limit, admitted alone. */
  readonly overdrawn: boolean
  charged: boolean

  constructor(frame: Buffer, charged: boolean, overdrawn: boolean) {
    this.frame = frame
    this.bytes = frame.length
    this.apiKey = frame.readInt16BE(0)
    this.charged = charged
    this.overdrawn = overdrawn
  }

  /** Once it is decoded: a request that is parked for long must not pin the memory it came in. */
  forgetFrame(): void {
    this.frame = FORGOTTEN
  }
}

export interface IntakeHost {
  readonly limits: ServerLimits
  readonly memory: RequestMemory
  /** What waits until a request of this API is answered. */
  holdsBack(apiKey: number): HeldBack | undefined
}

export interface IntakeOwner {
  /** There is memory again: `next` may have something. */
  onAdmitted(): void
}

/** Bytes of one connection in, requests out, no faster than the limits allow. */
export class RequestIntake {
  readonly #host: IntakeHost
  readonly #owner: IntakeOwner
  readonly #frames: FrameReader
  #held: Intake | null = null
  #assemblyOverdrawn = false
  #stopWaiting: (() => void) | null = null
  #requests = 0
  #bytes = 0
  /** APIs in progress whose next request waits. */
  #exclusiveKeys: number[] = []
  /** In progress; nothing begins behind it. */
  #barrier: Intake | null = null

  constructor(host: IntakeHost, owner: IntakeOwner) {
    this.#host = host
    this.#owner = owner
    this.#frames = new FrameReader(host.limits.maxRequestBytes)
  }

  /** Nothing more must be read until `next` gives null while this is false. */
  get blocked(): boolean {
    return this.#stopWaiting !== null || this.#held !== null || this.#isFull
  }

  /** Requests are in progress, or one waits for memory: the client waits for us. */
  get busy(): boolean {
    return this.#requests > 0 || this.#stopWaiting !== null
  }

  /** Holds memory for a frame whose rest the peer has not sent. */
  get assembling(): boolean {
    return this.#frames.assemblingBytes > 0
  }

  get #isFull(): boolean {
    const { connectionRequests, connectionRequestBytes } = this.#host.limits
    return this.#requests >= connectionRequests || this.#bytes >= connectionRequestBytes
  }

  append(chunk: Buffer, lent: boolean): void {
    this.#frames.append(chunk, lent)
  }

  readInto(): Buffer | null {
    return this.#frames.readInto()
  }

  /** The next request that may begin now. Throws ProtocolError for a size that no request has. */
  next(): Intake | null {
    if (this.#stopWaiting !== null || this.#isFull) return null
    const intake = this.#held ?? this.#cut()
    if (intake === null) return null
    this.#held = intake
    if (!this.#charge(intake)) return null
    const { apiKey } = intake
    if (this.#barrier !== null || this.#exclusiveKeys.includes(apiKey)) return null
    const heldBack = this.#host.holdsBack(apiKey)
    if (heldBack === 'same api') this.#exclusiveKeys.push(apiKey)
    else if (heldBack === 'everything') this.#barrier = intake
    this.#held = null
    this.#requests++
    this.#bytes += intake.bytes
    return intake
  }

  finish(intake: Intake): void {
    this.#requests--
    this.#bytes -= intake.bytes
    const at = this.#exclusiveKeys.indexOf(intake.apiKey)
    if (at >= 0) this.#exclusiveKeys.splice(at, 1)
    if (this.#barrier === intake) this.#barrier = null
    this.#host.memory.release(intake.bytes, intake.overdrawn)
  }

  /** No more requests will be taken. What is in progress still has to be finished. */
  close(): void {
    const { memory } = this.#host
    this.#stopWaiting?.()
    this.#stopWaiting = null
    const held = this.#held
    this.#held = null
    const assemblingBytes = this.#frames.assemblingBytes
    this.#frames.clear()
    if (held?.charged) memory.release(held.bytes, held.overdrawn)
    if (assemblingBytes > 0) memory.release(assemblingBytes, this.#assemblyOverdrawn)
  }

  #cut(): Intake | null {
    const assembled = this.assembling
    const frame = this.#frames.next()
    if (frame !== null) return new Intake(frame, assembled, assembled && this.#assemblyOverdrawn)
    const { wantedBytes } = this.#frames
    if (wantedBytes > 0) {
      this.#wait(wantedBytes, (overdrawn) => {
        this.#assemblyOverdrawn = overdrawn
        this.#frames.begin()
      })
    }
    return null
  }

  /** A frame within a chunk is in memory already: it only waits while there is none left at all. */
  #charge(intake: Intake): boolean {
    if (intake.charged) return true
    const { memory } = this.#host
    if (memory.exhausted) {
      this.#wait(0, () => {})
      if (this.#stopWaiting !== null) return false
    }
    memory.charge(intake.bytes)
    intake.charged = true
    return true
  }

  #wait(bytes: number, admit: (overdrawn: boolean) => void): void {
    let atOnce = true
    let admitted = false
    const stop = this.#host.memory.request(bytes, (overdrawn) => {
      admitted = true
      this.#stopWaiting = null
      admit(overdrawn)
      if (!atOnce) this.#owner.onAdmitted()
    })
    atOnce = false
    if (!admitted) this.#stopWaiting = stop
  }
}
