import type { Logger } from 'pino'
import { codecOf } from '../../protocol/codec/codec.ts'
import { decodeRequestHeader, encodeResponseHeader, type RequestHeader } from '../../protocol/codec/header.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Api, ResponseOf } from '../../protocol/codec/schema.ts'
import type { Writer } from '../../protocol/codec/writer.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { OLDEST_VERSION, unsupportedVersion } from '../apis/18-api-versions.ts'
import type { ApiEntry, HeldBack } from '../apis/api-entry.ts'
import type { RequestContext } from '../apis/context.ts'
import type { Broker } from '../broker/broker.ts'
import type { Clock } from '../io/clock.ts'
import type { Connection } from './connection.ts'
import type { Answer, Exchange } from './exchange.ts'
import { FaultInjector } from './fault-injector.ts'
import type { Intake } from './request-intake.ts'
import { RequestObservation } from './request-observation.ts'

/** From a frame to a handler, and from what the handler says to a reply in its turn. */
export class Dispatcher {
  readonly #apis: ReadonlyMap<number, ApiEntry>
  readonly #broker: Broker
  readonly #logger: Logger
  readonly #apiByKey: (key: number) => Api | undefined
  readonly #injector: FaultInjector

  constructor(apis: ReadonlyMap<number, ApiEntry>, broker: Broker, clock: Clock, logger: Logger) {
    this.#apis = apis
    this.#broker = broker
    this.#logger = logger
    this.#apiByKey = (key) => apis.get(key)?.api
    this.#injector = new FaultInjector(broker.faults, clock, {
      handle: (exchange) => this.#handle(exchange),
      answer: (exchange, answer) => this.#answer(exchange, answer),
    })
  }

  holdsBack(apiKey: number): HeldBack | undefined {
    return this.#apis.get(apiKey)?.holdsBack
  }

  /** Throws ProtocolError for a request that no reply is possible to; the handler's own failures are dealt with. */
  dispatch(connection: Connection, intake: Intake): void {
    const reader = new Reader(intake.frame)
    const header = decodeRequestHeader(reader, this.#apiByKey)
    const entry = this.#apis.get(header.api.key)!
    const context: RequestContext = {
      apiKey: header.api.key,
      apiVersion: header.version,
      correlationId: header.correlationId,
      clientId: header.clientId,
      connection,
      broker: this.#broker,
    }
    if (!header.supported) {
      answerUnknownVersion(connection, intake, entry, header, this.#observe(context, entry, intake))
      return
    }
    const request = codecOf(entry.api.request, header.version).decode(reader)
    intake.forgetFrame()
    const observation = this.#observe(context, entry, intake)
    const slot = connection.replies.add()
    const exchange = { connection, intake, slot, entry, context, request, alter: null, observation }
    if (this.#broker.faults.active) this.#injector.meet(exchange)
    else this.#handle(exchange)
  }

  #observe(context: RequestContext, { api }: ApiEntry, { bytes }: Intake): RequestObservation | null {
    const { events } = this.#broker
    if (!events.has('request') && !events.has('response')) return null
    return new RequestObservation(context, api.name, bytes)
  }

  /** Requests that a fault holds back are done now: the broker closes in good order. */
  hurry(): void {
    this.#injector.hurry()
  }

  /** They are never done: the broker is gone. */
  drop(): void {
    this.#injector.drop()
  }

  #handle(exchange: Exchange): void {
    let answer: Answer | Promise<Answer>
    try {
      answer = exchange.entry.handle(exchange.context, exchange.request)
    } catch (error) {
      this.#apologise(exchange, error)
      return
    }
    if (answer instanceof Promise) {
      answer.then(
        (settled) => this.#answer(exchange, settled),
        (error: unknown) => this.#apologise(exchange, error),
      )
    } else this.#answer(exchange, answer)
  }

  #answer(exchange: Exchange, answer: Answer): void {
    try {
      send(exchange, answer)
    } catch (error) {
      if (typeof answer === 'object') exchange.entry.release?.(answer)
      this.#apologise(exchange, error)
      return
    }
    exchange.connection.finish(exchange.intake)
  }

  /** The handler failed, or gave what its response cannot carry: the client is told, the stack is for us. */
  #apologise(exchange: Exchange, error: unknown): void {
    const { connection, entry, context, request } = exchange
    const { name } = entry.api
    this.#logger.error({ err: error, api: name, version: context.apiVersion, peer: connection.peer }, `${name} failed`)
    try {
      send(exchange, entry.fail(request, ErrorCode.UNKNOWN_SERVER_ERROR, context))
    } catch (again) {
      connection.fail(again)
    }
    connection.finish(exchange.intake)
  }
}

function send({ connection, slot, entry, context, alter, observation }: Exchange, given: Answer): void {
  const answer = alter === null ? given : alter(given)
  const { replies } = connection
  if (answer === 'silent') replies.skip(slot)
  else if (answer === 'disconnect') replies.endAt(slot)
  else if (answer !== 'never') {
    const { apiVersion, correlationId } = context
    const release = entry.release === undefined ? null : () => entry.release!(answer)
    replies.reply(slot, (writer) => encodeReply(writer, entry.api, apiVersion, correlationId, answer), release)
  }
  observation?.end(answer)
}

function encodeReply(
  writer: Writer,
  api: Api,
  version: number,
  correlationId: number,
  response: ResponseOf<Api>,
): void {
  const at = writer.size
  writer.int32(0)
  encodeResponseHeader(writer, api, version, correlationId)
  codecOf(api.response, version).encode(writer, response)
  writer.patchInt32(at, writer.size - at - 4)
}

function answerUnknownVersion(
  connection: Connection,
  intake: Intake,
  entry: ApiEntry,
  { correlationId }: RequestHeader,
  observation: RequestObservation | null,
): void {
  const response = unsupportedVersion(entry.advertised)
  const slot = connection.replies.add()
  connection.replies.reply(
    slot,
    (writer) => encodeReply(writer, entry.api, OLDEST_VERSION, correlationId, response),
    null,
  )
  observation?.end(response)
  connection.finish(intake)
}

/** Name and version of the API of a frame, as far as they can be read, for the log. */
export function describeFrame(frame: Buffer, apis: ReadonlyMap<number, ApiEntry>): object {
  const key = frame.readInt16BE(0)
  return { api: apis.get(key)?.api.name ?? key, version: frame.readInt16BE(2) }
}
