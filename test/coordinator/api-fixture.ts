import pino from 'pino'
import { codecOf } from '../../protocol/codec/codec.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Api, DecodedResponseOf, RequestInputOf, RequestOf } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { ApiEntry } from '../../src/apis/api-entry.ts'
import type { ConnectionInfo, RequestContext } from '../../src/apis/context.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { GroupCoordinator } from '../../src/coordinator/group/group-coordinator.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { TopicImage } from '../../src/metadata/metadata-image.ts'
import { fakeBroker } from '../support/fake-broker.ts'
import { FakeCoordinatorLog } from './fake-coordinator-log.ts'
import { TEST_CONFIG, TOPIC_ID } from './group-driver.ts'

export { TOPIC_ID }
export const UNKNOWN_ID = 'dW5rbm93bi10b3BpYy1pZA'

/** Topics t and u of four partitions each. */
function topics(): Map<string, TopicImage> {
  const partitions = Array.from({ length: 4 }, (_, index) => {
    return { index, leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1] }
  })
  const t = { name: 't', id: TOPIC_ID, internal: false, partitions }
  const u = { name: 'u', id: 'b3RoZXItdG9waWMtb2YtdA', internal: false, partitions }
  return new Map([t, u].map((topic) => [topic.name, topic]))
}

/** A connection whose later requests may have to wait. */
class HeldConnection {
  readonly clientAddress = '127.0.0.1'
  readonly closed = false
  held = 0

  holdRequests(): void {
    this.held++
  }

  admitRequests(): void {
    this.held--
  }
}

/** Handlers over a real coordinator whose log is durable at once. Requests and responses pass through their bytes. */
export class ApiFixture {
  readonly clock = new SimulatedClock()
  readonly log = Object.assign(new FakeCoordinatorLog(4), { isFast: true })
  readonly groups: GroupCoordinator
  readonly topics = topics()
  clientId: string | null = 'client'
  /** Whatever else the broker of a test has. */
  parts: Partial<Broker> = {}
  readonly connection = new HeldConnection()

  constructor() {
    this.groups = new GroupCoordinator({
      config: TEST_CONFIG,
      log: this.log,
      membership: {
        selfId: 1,
        brokers: () => [],
        controllerId: 1,
        liveIds: [1],
        coordinatorFor: () => 1,
        fenceFor: () => 1,
      },
      clock: this.clock,
      random: new SimulatedRandom(1),
      logger: pino({ level: 'silent' }),
    })
  }

  async send<A extends Api>(entry: ApiEntry<A>, version: number, request: RequestInputOf<A>) {
    const decoded = this.#request(entry, version, request)
    const response = await entry.handle(this.#context(entry, version), decoded)
    return this.#response(entry, version, response)
  }

  /** What the client gets when the handler failed. */
  fail<A extends Api>(entry: ApiEntry<A>, version: number, request: RequestInputOf<A>, error: ErrorCode) {
    const response = entry.fail(this.#request(entry, version, request), error, this.#context(entry, version))
    return this.#response(entry, version, response)
  }

  #request<A extends Api>({ api }: ApiEntry<A>, version: number, request: RequestInputOf<A>): RequestOf<A> {
    const writer = new Writer()
    const codec = codecOf(api.request, version)
    codec.encode(writer, request as never)
    return codec.decode(new Reader(writer.bytes())) as RequestOf<A>
  }

  #response<A extends Api>({ api }: ApiEntry<A>, version: number, response: unknown): DecodedResponseOf<A> {
    const writer = new Writer()
    const codec = codecOf(api.response, version)
    codec.encode(writer, response as never)
    const reader = new Reader(writer.bytes())
    const decoded = codec.decode(reader) as DecodedResponseOf<A>
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind the response`)
    return decoded
  }

  #context({ api }: { readonly api: Api }, apiVersion: number): RequestContext {
    const topicsById = new Map([...this.topics.values()].map((topic) => [topic.id, topic]))

    return {
      apiKey: api.key,
      apiVersion,
      correlationId: 1,
      clientId: this.clientId,
      connection: this.connection as Partial<ConnectionInfo> as ConnectionInfo,
      broker: { ...fakeBroker({ topics: this.topics, topicsById }), groups: this.groups, ...this.parts },
    }
  }
}

export async function apiFixture(): Promise<ApiFixture> {
  const fixture = new ApiFixture()
  await fixture.groups.start()
  return fixture
}

/** Every version of an API. */
export function versionsOf({ api }: { readonly api: Api }): number[] {
  const { min, max } = api.versions
  return Array.from({ length: max - min + 1 }, (_, at) => min + at)
}
