import { codecOf } from '../../protocol/codec/codec.ts'
import { decodeResponseHeader, encodeRequestHeader, newestVersion } from '../../protocol/codec/header.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Api, DecodedResponseOf, RequestInputOf, VersionRange } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { Clock, Timer } from '../io/clock.ts'
import type { Dialer } from '../io/dialer.ts'
import type { Socket } from '../io/transport.ts'
import { type Address, formatAddress } from './address.ts'
import { ClientError, refuseError } from './client-error.ts'
import { ReplyFrames } from './reply-frames.ts'

export interface ConnectionOptions {
  readonly dialer: Dialer
  readonly clock: Clock
  readonly clientId: string
  /** For the connection and its first answer. */
  readonly timeoutMs: number
  readonly maxReplyBytes: number
}

interface Expected {
  readonly take: (frame: Buffer) => void
  readonly reject: (error: Error) => void
  readonly timer: Timer
}

export type ApiVersionsAnswer = DecodedResponseOf<typeof ApiVersions>

const SOFTWARE_NAME = 'odradek'
const UNSUPPORTED_VERSION_AT = 4

/** One connection to one broker. Replies come in the order of the requests; any doubt about that ends the connection. */
export class BrokerConnection {
  readonly address: Address
  /** What the broker said of itself when it was asked first. */
  apiVersions!: ApiVersionsAnswer
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #clientId: string
  readonly #frames: ReplyFrames
  readonly #closed: Promise<void>
  #expected: Expected[] = []
  #nextCorrelationId = 1
  #failure: ClientError | null = null

  /** Connects and asks what the broker can do. Throws ClientError with the reason, which does not name the address. */
  static async open(address: Address, options: ConnectionOptions): Promise<BrokerConnection> {
    const deadlineMs = options.clock.monotonicMs() + options.timeoutMs
    const socket = await dial(address, options)
    const connection = new BrokerConnection(address, socket, options)
    try {
      connection.apiVersions = await connection.#negotiate(deadlineMs - options.clock.monotonicMs())
    } catch (error) {
      await connection.close()
      throw error
    }
    return connection
  }

  private constructor(address: Address, socket: Socket, options: ConnectionOptions) {
    this.address = address
    this.#socket = socket
    this.#clock = options.clock
    this.#clientId = options.clientId
    this.#frames = new ReplyFrames(options.maxReplyBytes)
    this.#closed = new Promise((resolve) => {
      socket.open({
        onData: (chunk, lent) => this.#onData(lent ? Buffer.from(chunk) : chunk),
        readInto: () => null,
        onEnd: () => this.#fail(new ClientError('disconnected', 'the broker closed the connection')),
        onClosed: (error) => {
          this.#fail(new ClientError('disconnected', lossOf(error), { cause: error }))
          resolve()
        },
      })
    })
  }

  get isOpen(): boolean {
    return this.#failure === null
  }

  /** The address on the other side, which a name may hide. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress
  }

  /** The newest version that both sides have. Throws ClientError when there is none. */
  versionOf(api: Api, maxVersion: number = Number.POSITIVE_INFINITY): number {
    const offered = this.rangeOf(api.key)
    const where = formatAddress(this.address)
    if (offered === null) throw new ClientError('unsupported', `the broker at ${where} does not serve ${api.name}`)
    const version = Math.min(newestVersion(api), offered.max, maxVersion)
    if (version >= api.versions.min && version >= offered.min) return version
    const ours = `${api.versions.min} to ${Math.min(newestVersion(api), maxVersion)}`
    throw new ClientError(
      'unsupported',
      `the broker at ${where} serves ${api.name} in versions ${offered.min} to ${offered.max}; needed is ${ours}`,
    )
  }

  rangeOf(apiKey: number): VersionRange | null {
    const offered = this.apiVersions.apiKeys.find((one) => one.apiKey === apiKey)
    return offered === undefined ? null : { min: offered.minVersion, max: offered.maxVersion }
  }

  /** Throws ClientError, also when no answer comes in time: the connection is then given up. */
  async send<A extends Api>(
    api: A,
    version: number,
    request: RequestInputOf<A>,
    timeoutMs: number,
  ): Promise<DecodedResponseOf<A>> {
    return this.#ask(api, version, request, timeoutMs, (frame, correlationId) =>
      decodeReply(api, version, frame, correlationId),
    )
  }

  /** A request that is never answered: Produce with acks 0. Resolves when the operating system has it. */
  async post<A extends Api>(api: A, version: number, request: RequestInputOf<A>): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    const frame = this.#encode(api, version, request, this.#nextCorrelationId++)
    return new Promise((resolve) => this.#socket.write([frame], resolve))
  }

  /** Requests that are under way fail. */
  async close(): Promise<void> {
    this.#fail(new ClientError('closed', 'the connection was closed'))
    this.#socket.destroy()
    await this.#closed
  }

  #negotiate(timeoutMs: number): Promise<ApiVersionsAnswer> {
    return this.#askVersions(newestVersion(ApiVersions), timeoutMs)
  }

  /** A broker without that version answers in version 0, and says which it has (KIP-511). */
  async #askVersions(version: number, timeoutMs: number): Promise<ApiVersionsAnswer> {
    const request = { clientSoftwareName: SOFTWARE_NAME, clientSoftwareVersion: '1' }
    const answer = await this.#ask(ApiVersions, version, request, timeoutMs, (frame, correlationId) => {
      const refused = frame.length >= 6 && frame.readInt16BE(UNSUPPORTED_VERSION_AT) === ErrorCode.UNSUPPORTED_VERSION
      return decodeReply(ApiVersions, refused ? 0 : version, frame, correlationId)
    })
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION && version > 0) {
      const offered = answer.apiKeys.find(({ apiKey }) => apiKey === ApiVersions.key)
      return this.#askVersions(Math.min(version - 1, offered?.maxVersion ?? 0), timeoutMs)
    }
    refuseError('asking for versions', answer.errorCode)
    return answer
  }

  #ask<A extends Api, T>(
    api: A,
    version: number,
    request: RequestInputOf<A>,
    timeoutMs: number,
    decode: (frame: Buffer, correlationId: number) => T,
  ): Promise<T> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const correlationId = this.#nextCorrelationId++
    const frame = this.#encode(api, version, request, correlationId)
    return new Promise((resolve, reject) => {
      const timer = this.#clock.schedule(timeoutMs, () => {
        const waited = `no answer to ${api.name} within ${Math.round(timeoutMs)} ms`
        this.#giveUp(new ClientError('timeout', waited))
      })
      const take = (reply: Buffer) => resolve(decode(reply, correlationId))
      this.#expected.push({ take, reject, timer })
      this.#socket.write([frame], () => {})
    })
  }

  #encode<A extends Api>(api: A, version: number, request: RequestInputOf<A>, correlationId: number): Buffer {
    const writer = new Writer()
    writer.int32(0)
    encodeRequestHeader(writer, api, version, correlationId, this.#clientId)
    codecOf(api.request, version).encode(writer, request)
    writer.patchInt32(0, writer.size - 4)
    return writer.bytes()
  }

  #onData(chunk: Buffer): void {
    if (this.#failure !== null) return
    try {
      for (const frame of this.#frames.push(chunk)) {
        const expected = this.#expected[0]
        if (expected === undefined) throw new ClientError('protocol', 'an answer came that nobody asked for')
        expected.take(frame)
        expected.timer.cancel()
        this.#expected.shift()
      }
    } catch (error) {
      if (error instanceof ClientError) this.#giveUp(error)
      else this.#giveUp(new ClientError('protocol', (error as Error).message, { cause: error }))
    }
  }

  #giveUp(error: ClientError): void {
    this.#fail(error)
    this.#socket.destroy()
  }

  #fail(error: ClientError): void {
    if (this.#failure !== null) return
    this.#failure = error
    const expected = this.#expected
    this.#expected = []
    for (const { reject, timer } of expected) {
      timer.cancel()
      reject(error)
    }
    this.#socket.end()
  }
}

function decodeReply<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
  correlationId: number,
): DecodedResponseOf<A> {
  const reader = new Reader(frame)
  const answered = decodeResponseHeader(reader, api, version)
  if (answered !== correlationId) {
    throw new ClientError('protocol', `an answer to request ${answered} came where ${correlationId} was asked`)
  }
  const response = codecOf(api.response, version).decode(reader) as DecodedResponseOf<A>
  if (reader.remaining > 0) {
    throw new ClientError('protocol', `${reader.remaining} bytes follow a ${api.name} answer of version ${version}`)
  }
  return response
}

async function dial({ host, port }: Address, { dialer, clock, timeoutMs }: ConnectionOptions): Promise<Socket> {
  const late = new AbortController()
  const timer = clock.schedule(timeoutMs, () => {
    late.abort(new ClientError('unreachable', `no connection within ${Math.round(timeoutMs)} ms`))
  })
  try {
    return await dialer.dial(host, port, late.signal)
  } catch (error) {
    if (error instanceof ClientError) throw error
    throw new ClientError('unreachable', whyUnreachable(host, error as NodeJS.ErrnoException), { cause: error })
  } finally {
    timer.cancel()
  }
}

function whyUnreachable(host: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOTFOUND':
      return `nobody knows the host ${host}`
    case 'EAI_AGAIN':
      return `the name server did not answer for ${host}`
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it'
    case 'ETIMEDOUT':
      return 'it does not answer (a firewall?)'
    default:
      return error.message
  }
}

function lossOf(error: Error | null): string {
  if (error === null) return 'the connection was closed'
  return `the connection was lost (${(error as NodeJS.ErrnoException).code ?? error.message})`
}
