import { sleep } from '../compat-tests/process.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { eachBatch, lastOffset } from '../protocol/records/batch.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { BenchBroker, type Contender, settle } from './broker.ts'
import { firstRoundTrip } from './first-round-trip.ts'
import { decode, LoadConnection } from './load-connection.ts'

/** Every row of the table, whoever wins it. */
export interface Row {
  readonly name: string
  readonly unit: string
  readonly better: 'less' | 'more'
}

interface Load {
  readonly name: string
  readonly topic: string
  readonly partitions: number
  readonly batchBytes: number
  readonly connections: number
  readonly megabytes: number
}

const PRODUCE_VERSION = 9
const FETCH_VERSION = 11
const IN_FLIGHT = 5
const FROM_THE_START = { fetchOffset: 0, partitionMaxBytes: 1 << 20 }
const RECORD_BYTES = 1000
/** Smallest first, so that the peak of memory is that of the whole. */
const LOADS: readonly Load[] = [
  {
    name: '16 KiB batches, 12 partitions, 4 connections',
    topic: 'small',
    partitions: 12,
    batchBytes: 16_384,
    connections: 4,
    megabytes: 400,
  },
  {
    name: '1 MB batches, 1 partition, 1 connection',
    topic: 'large',
    partitions: 1,
    batchBytes: 1_000_000,
    connections: 1,
    megabytes: 1000,
  },
]
const WARM_UP = 0.2
const REQUEST_CONNECTIONS = [1, 8]
const REQUESTS_MS = 3000
const IDLE_MS = 2000

export const ROWS: readonly Row[] = [
  { name: 'start on an empty folder: exec to the first answer', unit: 'ms', better: 'less' },
  { name: 'same', unit: 'CPU-s', better: 'less' },
  { name: 'then the first topic, record and read through a group', unit: 'ms', better: 'less' },
  { name: 'idle memory', unit: 'MB', better: 'less' },
  ...LOADS.flatMap(({ name }) => [
    { name: `produce, ${name}`, unit: 'MB/s', better: 'more' as const },
    { name: 'same', unit: 'CPU-s/GB', better: 'less' as const },
    { name: `consume, ${name}`, unit: 'MB/s', better: 'more' as const },
    { name: 'same', unit: 'CPU-s/GB', better: 'less' as const },
  ]),
  ...REQUEST_CONNECTIONS.flatMap((connections) => [
    { name: `produce single records, ${connections} connection(s)`, unit: 'requests/s', better: 'more' as const },
    { name: 'same', unit: 'CPU-s per million', better: 'less' as const },
  ]),
  { name: 'most memory during all of this', unit: 'MB', better: 'less' },
  { name: 'SIGTERM to the end', unit: 'ms', better: 'less' },
]

/** One number per row, in the order of ROWS, from one fresh broker. `scale` shortens the loads for a quick look. */
export async function runAll(contender: Contender, scale: number): Promise<number[]> {
  const broker = await BenchBroker.start(contender)
  try {
    const numbers = [broker.startMs, broker.cpuSeconds, await firstRoundTrip(broker.port)]
    await sleep(IDLE_MS)
    numbers.push(broker.memoryMegabytes.now)
    for (const load of LOADS) {
      await produce(broker, { ...load, topic: `${load.topic}-warm-up` }, scale * WARM_UP)
      await consume(broker, { ...load, topic: `${load.topic}-warm-up` }, scale * WARM_UP)
      await settle()
      numbers.push(...(await produce(broker, load, scale)), ...(await consume(broker, load, scale)))
    }
    await createTopic(broker.port, 'single', 1)
    for (const connections of REQUEST_CONNECTIONS) {
      await singleRecords(broker, connections, REQUESTS_MS * scale * WARM_UP)
      numbers.push(...(await singleRecords(broker, connections, REQUESTS_MS * scale)))
    }
    numbers.push(broker.memoryMegabytes.peak, await broker.stop())
    return numbers
  } finally {
    await broker.dispose()
  }
}

async function createTopic(port: number, name: string, numPartitions: number): Promise<void> {
  const connection = await LoadConnection.open(port)
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
  const created = await connection.ask(CreateTopics, 5, { topics: [topic], timeoutMs: 10_000 })
  refuse(`creating ${name}`, created.topics[0]!.errorCode)
  const partitions = Array.from({ length: numPartitions }, (_, partition) => ({ partition, ...FROM_THE_START }))
  const fetch = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: name, partitions }], forgottenTopicsData: [] }
  // Kafka answers before its partitions can be used.
  for (let ready = false; !ready; ) {
    const answer = await connection.ask(Fetch, FETCH_VERSION, fetch)
    ready = answer.responses[0]!.partitions.every(({ errorCode }) => errorCode === 0)
  }
  connection.close()
}

/** Whole batches made beforehand, spread over partitions and connections, with five requests in flight on each. */
async function produce(broker: BenchBroker, load: Load, scale: number): Promise<[number, number]> {
  await createTopic(broker.port, load.topic, load.partitions)
  const connections = await openAll(broker.port, load.connections)
  const batch = batchOf(Math.max(1, Math.floor(load.batchBytes / RECORD_BYTES)), RECORD_BYTES)
  const frames = Array.from({ length: load.partitions }, (_, index) =>
    produceFrame(connections[0]!, load, index, batch),
  )
  const requests = Math.ceil((load.megabytes * 1e6 * scale) / batch.length)
  let sent = 0
  const worker = async (connection: LoadConnection) => {
    while (sent < requests) await connection.send(frames[sent++ % frames.length]!, checkProduced)
  }
  const measured = await measure(broker, requests * batch.length, () =>
    Promise.all(connections.flatMap((each) => Array.from({ length: IN_FLIGHT }, () => worker(each)))),
  )
  for (const connection of connections) connection.close()
  return measured
}

/** Everything back from the beginning: each connection reads its share of the partitions in one request after another. */
async function consume(broker: BenchBroker, load: Load, scale: number): Promise<[number, number]> {
  const connections = await openAll(broker.port, load.connections)
  const mustRead = load.megabytes * 1e6 * scale
  let readBytes = 0
  const measured = await measure(broker, mustRead, () =>
    Promise.all(
      connections.map(async (connection, share) => {
        const offsets = new Map<number, number>()
        for (let index = share; index < load.partitions; index += connections.length) offsets.set(index, 0)
        for (let bytes = -1; bytes !== 0; readBytes += bytes) bytes = await fetchNext(connection, load.topic, offsets)
      }),
    ),
  )
  for (const connection of connections) connection.close()
  if (readBytes < mustRead) throw new Error(`${readBytes} bytes of ${mustRead} were read back`)
  return measured
}

/** Asks for what follows each offset, and moves the offsets; gives the bytes that came. */
function fetchNext(connection: LoadConnection, topic: string, offsets: Map<number, number>): Promise<number> {
  const partitions = [...offsets].map(([partition, fetchOffset]) => ({
    partition,
    fetchOffset,
    partitionMaxBytes: 1 << 20,
  }))
  const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topic, partitions }], forgottenTopicsData: [] }
  return connection.send(connection.frame(Fetch, FETCH_VERSION, request), (reply) => {
    let bytes = 0
    for (const { partitionIndex, errorCode, records } of decode(Fetch, FETCH_VERSION, reply).responses[0]!.partitions) {
      refuse(`reading ${topic}-${partitionIndex}`, errorCode)
      if (records === null) continue
      for (const at of eachBatch(records)) offsets.set(partitionIndex, lastOffset(records, at) + 1)
      bytes += records.length
    }
    return bytes
  })
}

/** One record of 100 bytes per request, one request in flight per connection. */
async function singleRecords(broker: BenchBroker, count: number, forMs: number): Promise<[number, number]> {
  const connections = await openAll(broker.port, count)
  const frame = produceFrame(connections[0]!, { topic: 'single' }, 0, batchOf(1, 100))
  const [cpuBefore, beganMs] = [broker.cpuSeconds, performance.now()]
  let requests = 0
  await Promise.all(
    connections.map(async (connection) => {
      for (; performance.now() - beganMs < forMs; requests++) await connection.send(frame, checkProduced)
    }),
  )
  const seconds = (performance.now() - beganMs) / 1000
  const cpu = broker.cpuSeconds - cpuBefore
  for (const connection of connections) connection.close()
  return [requests / seconds, (cpu / requests) * 1e6]
}

/** Megabytes per second, and the broker's CPU seconds per gigabyte. */
async function measure(broker: BenchBroker, bytes: number, work: () => Promise<unknown>): Promise<[number, number]> {
  const [cpuBefore, beganMs] = [broker.cpuSeconds, performance.now()]
  await work()
  const seconds = (performance.now() - beganMs) / 1000
  return [bytes / 1e6 / seconds, (broker.cpuSeconds - cpuBefore) / (bytes / 1e9)]
}

function openAll(port: number, count: number): Promise<LoadConnection[]> {
  return Promise.all(Array.from({ length: count }, () => LoadConnection.open(port)))
}

function batchOf(count: number, recordBytes: number): Buffer {
  const value = Buffer.alloc(recordBytes, 'odradek ')
  const timestamp = Date.now()
  return buildBatch({ records: Array.from({ length: count }, () => ({ timestamp, key: null, value })) })
}

function produceFrame(
  connection: LoadConnection,
  { topic }: { topic: string },
  index: number,
  batch: Buffer,
): Buffer[] {
  const topicData = [{ name: topic, partitionData: [{ index, records: batch }] }]
  return connection.frame(Produce, PRODUCE_VERSION, { acks: -1, timeoutMs: 30_000, topicData })
}

function checkProduced(reply: Buffer): void {
  refuse('producing', decode(Produce, PRODUCE_VERSION, reply).responses[0]!.partitionResponses[0]!.errorCode)
}

function refuse(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: error ${errorCode}`)
}
