/**
 * What it costs that a broker can be observed: a Produce and a Fetch from the decoded request to the response, with
 * nobody looking, with a listener, and with an interceptor. In memory, without sockets.
 *
 *     node bench/observing.ts
 */
import { bench, do_not_optimize, run, summary } from 'mitata'
import { pino } from 'pino'
import { codecOf } from '../protocol/codec/codec.ts'
import { Reader } from '../protocol/codec/reader.ts'
import { Writer } from '../protocol/codec/writer.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import type { ApiEntry } from '../src/apis/api-entry.ts'
import type { RequestContext } from '../src/apis/context.ts'
import { apiTable } from '../src/apis/table.ts'
import { loadBrokerConfig } from '../src/config/broker-config.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { NodeTransport } from '../src/io/node-transport.ts'
import { SimulatedFileSystem } from '../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../src/io/simulated-random.ts'
import { simulatedWork } from '../src/io/simulated-work.ts'
import { endOfTurn } from '../src/io/turn.ts'
import { createTopics } from '../src/metadata/create-topics.ts'
import { Odradek } from '../src/server/odradek.ts'

const VALUE_BYTES = 1000
/** Older segments go: the disk is in memory. */
const SETTINGS = {
  'log.dirs': '/data',
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'log.segment.bytes': '16777216',
  'log.retention.bytes': '67108864',
  'log.retention.check.interval.ms': '1000',
  'log.segment.delete.delay.ms': '0',
}

const { config } = loadBrokerConfig({ commandLine: new Map(Object.entries(SETTINGS)) })
const odradek = await Odradek.start(
  {
    fileSystem: new SimulatedFileSystem({ crashable: false, nowMs: () => nodeClock.nowMs() }),
    clock: nodeClock,
    random: new SimulatedRandom(1),
    transport: new NodeTransport(),
    work: simulatedWork(),
    endOfTurn,
    processes: null,
    logger: pino({ level: 'silent' }),
  },
  { config, clusterId: null },
)
const { metadata, topicDefaults, events, produceInterceptors } = odradek.engine
const topics = ['produced', 'fetched'].map((name) => {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
})
await metadata.change((image) => createTopics(image, topics, topicDefaults, false))

const connection: RequestContext['connection'] = {
  id: 1,
  listener: { name: 'BENCH', advertisedHost: 'localhost', advertisedPort: 0 },
  advertisedHost: 'localhost',
  clientAddress: '127.0.0.1',
  principal: 'User:ANONYMOUS',
  clientSoftwareName: '',
  clientSoftwareVersion: '',
  closed: false,
  onClose: () => () => {},
  holdRequests: () => {},
  admitRequests: () => {},
}

function contextOf(apiKey: number, apiVersion: number): RequestContext {
  return { apiKey, apiVersion, correlationId: 1, clientId: 'bench', connection, broker: odradek.broker }
}

const produced = contextOf(Produce.key, 9)
const fetched = contextOf(Fetch.key, 12)
const produceEntry = apiTable.get(Produce.key) as ApiEntry<typeof Produce>
const fetchEntry = apiTable.get(Fetch.key) as ApiEntry<typeof Fetch>
const template = buildBatch({ records: [{ timestamp: Date.now(), key: null, value: Buffer.alloc(VALUE_BYTES, 1) }] })
const fetchRequest = decodedFetch()

function decodedFetch() {
  const writer = new Writer()
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000 }]
  const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'fetched', partitions }], forgottenTopicsData: [] }
  codecOf(Fetch.request, fetched.apiVersion).encode(writer, request)
  return codecOf(Fetch.request, fetched.apiVersion).decode(new Reader(writer.bytes()))
}

async function produce(name: string): Promise<void> {
  // The log patches it in place.
  const partitionData = [{ index: 0, records: Buffer.from(template) }]
  const topicId = metadata.image.topics.get(name)!.id
  const request = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData: [{ name, topicId, partitionData }] }
  const answer = await produceEntry.handle(produced, request)
  if (typeof answer !== 'object' || answer.responses[0]!.partitionResponses[0]!.errorCode !== 0) {
    throw new Error('not appended')
  }
}

async function fetch(): Promise<void> {
  const answer = await fetchEntry.handle(fetched, fetchRequest)
  if (typeof answer !== 'object') throw new Error('not fetched')
  fetchEntry.release?.(answer)
}

await produce('fetched')
let told = 0

bench('the question whether anybody looks', () => do_not_optimize(events.has('produce')))

function withListener(name: 'produce' | 'fetch', work: () => Promise<void>): () => Generator {
  return function* () {
    const stop = events.on(name, () => {
      told++
    })
    yield work
    stop()
  }
}

summary(() => {
  bench('produce, nobody looks', () => produce('produced'))
  bench(
    'produce, a listener',
    withListener('produce', () => produce('produced')),
  )
  bench('produce, an interceptor', function* () {
    const remove = produceInterceptors.add(() => null)
    yield () => produce('produced')
    remove()
  })
  bench('produce, an interceptor that reads records', function* () {
    const remove = produceInterceptors.add((batch) => {
      do_not_optimize(batch.records())
      return null
    })
    yield () => produce('produced')
    remove()
  })
})

summary(() => {
  bench('fetch, nobody looks', fetch)
  bench('fetch, a listener', withListener('fetch', fetch))
})

await run()
if (told === 0) throw new Error('no listener was told')
await odradek.close()
