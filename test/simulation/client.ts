import type { Api, DecodedResponseOf, RequestInputOf } from '../../protocol/codec/schema.ts'
import type { Timer } from '../../src/io/clock.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { Socket } from '../../src/io/transport.ts'
import { decodeReply, encodeRequest } from '../support/wire-client.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** The request may have been carried out or not: nobody will ever say. */
export class ConnectionLost extends Error {}

/** Longer than any request of these clients may take, whatever the disk and the network do. */
const HANG_MS = 180_000

interface Expected {
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: Error) => void
  readonly timers: readonly Timer[]
}

/** The client's end of one connection. Each request gets one reply, in the order of the requests, or the connection ends. */
class ClientConnection {
  readonly socket: Socket
  readonly #client: Client
  #expected: Expected[] = []
  #received: Buffer = Buffer.alloc(0)
  #correlationId = 0
  isOpen = true

  constructor(client: Client, socket: Socket) {
    this.#client = client
    this.socket = socket
    socket.open({
      readInto: () => null,
      onData: (chunk, lent) => client.world.guard(() => this.#onData(lent ? Buffer.from(chunk) : chunk)),
      onEnd: () => {
        this.#end('the broker ended the connection')
        socket.destroy()
      },
      onClosed: (error) => this.#end(error?.message ?? 'closed'),
    })
  }

  send(api: Api, version: number, request: RequestInputOf<Api>): number {
    const correlationId = ++this.#correlationId
    const { world, name } = this.#client
    const frame = encodeRequest(api, version, request, correlationId, name)
    world.trace.bytes(frame)
    world.requests++
    this.socket.write([frame], () => {})
    return correlationId
  }

  expect(api: Api, version: number, correlationId: number, patienceMs: number): Promise<Buffer> {
    const { world, name } = this.#client
    return new Promise((resolve, reject) => {
      const timers = [
        world.clock.schedule(patienceMs, () => {
          world.trace.note(name, `gives up on ${api.name} ${correlationId}`)
          this.close()
        }),
        world.clock.schedule(HANG_MS, () => world.fail(`${name}: ${api.name} v${version} was never answered`)),
      ]
      this.#expected.push({ api, version, correlationId, resolve, reject, timers })
    })
  }

  close(): void {
    this.#end('closed by the client')
    this.socket.destroy()
  }

  /** The process is gone and its machine does not say so. */
  vanish(): void {
    this.isOpen = false
    this.socket.pause()
    for (const { timers } of this.#expected) for (const timer of timers) timer.cancel()
  }

  #onData(chunk: Buffer): void {
    if (!this.isOpen) return
    const { world, name } = this.#client
    world.trace.bytes(chunk)
    this.#received = Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      const expected = this.#expected.shift()
      if (expected === undefined) throw new Violation(`${name} got a reply that it did not ask for`)
      for (const timer of expected.timers) timer.cancel()
      expected.resolve(frame)
    }
  }

  #end(reason: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    const expected = this.#expected
    this.#expected = []
    for (const { timers, reject } of expected) {
      for (const timer of timers) timer.cancel()
      reject(new ConnectionLost(reason))
    }
  }
}

/** A Kafka client with one connection, made anew when it is lost. Speaks one version of each API, which chance decides. */
export class Client {
  readonly world: World
  readonly name: string
  readonly #random: SimulatedRandom
  readonly #versions = new Map<number, number>()
  readonly #patienceMs: number
  #connection: ClientConnection | null = null
  /** Of the broker at the other end of the connection. */
  #life = 0

  constructor(world: World, name: string, random: SimulatedRandom, { isPatient = false } = {}) {
    this.world = world
    this.name = name
    this.#random = random
    const patienceMs = random.below(3) === 0 ? 1000 + random.below(4000) : 30_000 + random.below(30_000)
    world.clients.add(this)
    this.#patienceMs = isPatient ? 2 * HANG_MS : patienceMs
  }

  /** The version of an API that this client has chosen. */
  versionOf(api: Api, atLeast = 0): number {
    const known = this.#versions.get(api.key)
    if (known !== undefined) return known
    const min = Math.max(atLeast, api.versions.min)
    const max = api.versions.max - (api.latestVersionUnstable ? 1 : 0)
    const version = min + this.#random.below(max - min + 1)
    this.#versions.set(api.key, version)
    return version
  }

  /** For a client that speaks one version only. */
  pin(api: Api, version: number): void {
    this.#versions.set(api.key, version)
  }

  /** Sends at once, so that calls leave in their order; throws ConnectionLost when nobody will answer. */
  async call<A extends Api>(api: A, request: RequestInputOf<A>, patienceMs = 0): Promise<DecodedResponseOf<A>> {
    const connection = this.#connect()
    const version = this.versionOf(api)
    const correlationId = connection.send(api, version, request as RequestInputOf<Api>)
    // At the end everybody waits: over a slow network the impatient would never get a long answer.
    const ownMs = this.world.isEnding ? HANG_MS : this.#patienceMs
    const frame = await connection.expect(api, version, correlationId, patienceMs + ownMs)
    return decodeReply(api, version, frame, correlationId)
  }

  /** Sends what is not answered. */
  post<A extends Api>(api: A, request: RequestInputOf<A>): void {
    this.#connect().send(api, this.versionOf(api), request as RequestInputOf<Api>)
  }

  /** The disk failed in the life of the broker that this client heard last. */
  get isTroubled(): boolean {
    return this.world.troubledLives.has(this.#life)
  }

  /** Another number whenever coordinators may have begun again from their logs: at each start, all the time without a disk. */
  get coordinatorLife(): number {
    return this.isTroubled ? -this.world.trace.length : this.#life
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen ?? false
  }

  close(): void {
    this.#connection?.close()
    this.#connection = null
  }

  /** The network fails between the two: both hear of it. */
  cut(): void {
    if (this.#connection?.isOpen) this.world.network.cut(this.#connection.socket)
  }

  /** Dies without a word: nothing is sent any more, nothing is closed. */
  vanish(): void {
    if (this.#connection?.isOpen) {
      this.#connection.vanish()
      this.world.vanished.push(this.#connection.socket)
    }
    this.#connection = null
  }

  #connect(): ClientConnection {
    if (this.#connection?.isOpen) return this.#connection
    try {
      this.#connection = new ClientConnection(this, this.world.network.connect(this.world.port))
      this.#life = this.world.life
    } catch (error) {
      throw new ConnectionLost(error instanceof Error ? error.message : String(error))
    }
    return this.#connection
  }
}
