import { ErrorCode } from '../../protocol/errors.ts'
import { SyncGroup, type SyncGroupRequest, type SyncGroupResponse } from '../../protocol/messages/14-sync-group.ts'
import { apiVersions } from '../../src/apis/18-api-versions.ts'
import { type ApiEntry, apiEntry, type HeldBack, type NoReply } from '../../src/apis/api-entry.ts'
import type { RequestContext } from '../../src/apis/context.ts'
import { RequestFaults } from '../../src/broker/request-faults.ts'
import type { Clock } from '../../src/io/clock.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { NodeTransport } from '../../src/io/node-transport.ts'
import type { Transport } from '../../src/io/transport.ts'
import type { ServerLimits } from '../../src/server/limits.ts'
import { type BoundListener, Server } from '../../src/server/server.ts'
import { fakeBroker } from '../support/fake-broker.ts'
import { captureLog, type LogCapture } from '../support/log-capture.ts'
import { WireClient, type WireClientOptions } from '../support/wire-client.ts'

type EchoAnswer = SyncGroupResponse | NoReply
export type EchoHandler = (request: SyncGroupRequest, context: RequestContext) => EchoAnswer | Promise<EchoAnswer>

/** SyncGroup carries any bytes both ways: the reply's assignment is that of the request's first member. */
export const answerEcho = (request: SyncGroupRequest): SyncGroupResponse => ({
  throttleTimeMs: 0,
  errorCode: ErrorCode.NONE,
  assignment: Buffer.from(request.assignments[0]?.assignment ?? ''),
})

export interface EchoServerOptions {
  readonly handle?: EchoHandler
  readonly release?: (response: SyncGroupResponse) => void
  readonly fail?: ApiEntry<typeof SyncGroup>['fail']
  readonly holdsBack?: HeldBack
  readonly limits?: Partial<ServerLimits>
  readonly clock?: Clock
  readonly transport?: Transport
  readonly entries?: readonly ApiEntry[]
}

export interface EchoServer {
  readonly server: Server
  readonly listener: BoundListener
  readonly log: LogCapture
  readonly faults: RequestFaults
  connect(options?: WireClientOptions): Promise<WireClient>
  close(): Promise<void>
}

/** A server on a free loopback port that knows ApiVersions, SyncGroup as an echo, and what else is given. */
export async function startEchoServer(options: EchoServerOptions = {}): Promise<EchoServer> {
  const log = captureLog()
  const echo = apiEntry(SyncGroup, {
    handle: (context, request) => (options.handle ?? answerEcho)(request, context),
    fail: options.fail ?? ((_request, errorCode) => ({ throttleTimeMs: 0, errorCode, assignment: Buffer.alloc(0) })),
    ...(options.holdsBack ? { holdsBack: options.holdsBack } : {}),
    ...(options.release ? { release: options.release } : {}),
  })
  const apis = new Map<number, ApiEntry>()
  for (const entry of [apiVersions(() => apis.values()), echo, ...(options.entries ?? [])] as readonly ApiEntry[]) {
    apis.set(entry.api.key, entry)
  }
  const clock = options.clock ?? nodeClock
  const faults = new RequestFaults({ clock, random: 1, apis: [...apis.values()].map(({ api }) => api) })
  const server = new Server({
    transport: options.transport ?? new NodeTransport(),
    clock,
    logger: log.logger,
    broker: { ...fakeBroker(), faults },
    apis,
    limits: options.limits ?? {},
  })
  const listener = await server.listen({
    name: 'PLAINTEXT',
    host: '127.0.0.1',
    port: 0,
    advertisedHost: 'localhost',
  })
  const clients: WireClient[] = []
  return {
    server,
    listener,
    log,
    faults,
    async connect(clientOptions) {
      const client = await WireClient.connect(listener.port, clientOptions)
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) client.socket.destroy()
      await server.close()
    },
  }
}

export function echoRequest(payload: Buffer | string, memberId = '') {
  const assignment = Buffer.from(payload)
  return { groupId: 'g', generationId: 1, memberId, assignments: [{ memberId, assignment }] }
}
