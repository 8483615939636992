/**
 * Ten thousand partitions in one broker: what they cost to make, to have, to write to, and to start and stop with.
 *
 *     node bench/scale.ts [partitions]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { DescribeConfigs } from '../protocol/messages/32-describe-configs.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { decode, LoadConnection } from './load-connection.ts'
import { ProbedBroker } from './scale-broker.ts'

export interface Shape {
  readonly topics: number
  readonly partitions: number
}

export interface ScaleRow {
  readonly name: string
  readonly unit: string
  readonly value: number
}

const TOPIC = 2
const PRODUCE_VERSION = 9
const PARTITIONS_PER_REQUEST = 100
const REQUESTS_IN_FLIGHT = 8
const RECORD_BYTES = 100
/** Of an idempotent producer, as clients are by default. */
const PRODUCER_ID = 1

/** A hundred topics, and one topic with as many partitions as all of those. */
export function shapesOf(partitions: number): Shape[] {
  return [
    { topics: 100, partitions: Math.max(1, Math.round(partitions / 100)) },
    { topics: 1, partitions },
  ]
}

/** One broker's life with so many partitions, on an empty folder. */
export async function runScale(shape: Shape): Promise<ScaleRow[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'odradek-scale-'))
  try {
    return await new ScaleRun(shape, folder).run()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

class ScaleRun {
  readonly #shape: Shape
  readonly #folder: string
  readonly #count: number
  readonly #rows: ScaleRow[] = []
  #rounds = 0
  /** Once the broker has answered requests, so that compiled code is not taken for partitions. */
  #emptyHeapBytes = 0

  constructor(shape: Shape, folder: string) {
    this.#shape = shape
    this.#folder = folder
    this.#count = shape.topics * shape.partitions
  }

  async run(): Promise<ScaleRow[]> {
    const broker = await ProbedBroker.start(this.#folder)
    await this.#grow(broker)
    this.#add('SIGTERM, all partitions changed', 'ms', await broker.stop('SIGTERM'))

    const second = await this.#start('start after that')
    await this.#memory(second, 'after that start')
    this.#add('SIGTERM, nothing changed', 'ms', await second.stop('SIGTERM'))

    const third = await ProbedBroker.start(this.#folder)
    await this.#timed(third, 'a record more to each partition', () => this.#writeToAll(third))
    await third.stop('SIGKILL')

    const fourth = await this.#start('start after kill -9, all partitions changed')
    this.#add('SIGTERM after that', 'ms', await fourth.stop('SIGTERM'))
    return this.#rows
  }

  async #grow(broker: ProbedBroker): Promise<void> {
    const connection = await LoadConnection.open(broker.port)
    // Compiles what the measurements below run through.
    await connection.ask(Metadata, 7, { topics: null })
    const empty = await broker.probe()
    this.#emptyHeapBytes = empty.heapBytes
    this.#add('open files of the empty broker', '', broker.openDescriptors)
    await this.#timed(broker, 'create', () => this.#create(connection))
    await this.#memory(broker, 'never written to')
    await this.#timed(broker, 'Metadata of all', () => connection.ask(Metadata, 7, { topics: null }))
    await this.#timed(broker, 'DescribeConfigs of all topics', () => connection.ask(DescribeConfigs, 4, this.#topics()))
    await this.#timed(broker, 'the first record to each partition', () => this.#writeToAll(broker))
    await this.#memory(broker, 'written to')
    connection.close()
  }

  async #start(name: string): Promise<ProbedBroker> {
    const broker = await ProbedBroker.start(this.#folder)
    this.#add(name, 'ms', broker.startMs)
    this.#add('same, longest turn of the event loop', 'ms', (await broker.probe()).worstDelayMs)
    return broker
  }

  async #timed(broker: ProbedBroker, name: string, work: () => Promise<unknown>): Promise<void> {
    await broker.probe()
    const beganMs = performance.now()
    await work()
    this.#add(name, 'ms', performance.now() - beganMs)
    this.#add('same, longest turn of the event loop', 'ms', (await broker.probe()).worstDelayMs)
  }

  async #memory(broker: ProbedBroker, when: string): Promise<void> {
    await broker.probe()
    const { heapBytes, bufferBytes, rssBytes } = await broker.probe()
    this.#add(`heap per partition, ${when}`, 'bytes', (heapBytes - this.#emptyHeapBytes) / this.#count)
    this.#add(`buffers, ${when}`, 'MB', bufferBytes / 1e6)
    this.#add(`resident memory, ${when}`, 'MB', rssBytes / 1e6)
    this.#add(`open files, ${when}`, '', broker.openDescriptors)
  }

  async #create(connection: LoadConnection): Promise<void> {
    const numPartitions = this.#shape.partitions
    const topics = this.#names().map((name) => {
      return { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
    })
    const created = await connection.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 })
    for (const { name, errorCode } of created.topics) refuse(`creating ${name}`, errorCode)
  }

  /** One record each, acks=all, a hundred partitions per request. */
  async #writeToAll(broker: ProbedBroker): Promise<void> {
    const connection = await LoadConnection.open(broker.port)
    const batch = buildBatch({
      producerId: PRODUCER_ID,
      producerEpoch: 0,
      baseSequence: this.#rounds++,
      records: [{ timestamp: Date.now(), key: null, value: Buffer.alloc(RECORD_BYTES, 'odradek ') }],
    })
    const requests = this.#names().flatMap((name) => {
      const starts = Math.ceil(this.#shape.partitions / PARTITIONS_PER_REQUEST)
      return Array.from({ length: starts }, (_, at) => ({ name, from: at * PARTITIONS_PER_REQUEST }))
    })
    const worker = async () => {
      for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
        const { name, from } = next
        const length = Math.min(PARTITIONS_PER_REQUEST, this.#shape.partitions - from)
        const partitionData = Array.from({ length }, (_, at) => ({ index: from + at, records: batch }))
        const topicData = [{ name, partitionData }]
        const frame = connection.frame(Produce, PRODUCE_VERSION, { acks: -1, timeoutMs: 60_000, topicData })
        await connection.send(frame, checkProduced)
      }
    }
    await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, worker))
    connection.close()
  }

  #topics() {
    const resources = this.#names().map((resourceName) => {
      return { resourceType: TOPIC, resourceName, configurationKeys: null }
    })
    return { resources, includeSynonyms: true }
  }

  #names(): string[] {
    return Array.from({ length: this.#shape.topics }, (_, index) => `topic-${index}`)
  }

  #add(name: string, unit: string, value: number): void {
    this.#rows.push({ name, unit, value })
    console.log(`${name}: ${shown(value)} ${unit}`)
  }
}

function checkProduced(reply: Buffer): void {
  for (const topic of decode(Produce, PRODUCE_VERSION, reply).responses) {
    for (const { index, errorCode } of topic.partitionResponses)
      refuse(`producing to ${topic.name}-${index}`, errorCode)
  }
}

function refuse(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: error ${errorCode}`)
}

function shown(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)
}

/** The rows of several shapes beside each other, as a table of the page. */
export function scaleTable(measured: readonly { readonly shape: Shape; readonly rows: readonly ScaleRow[] }[]): string {
  const titles = measured.map(({ shape }) => `${shape.topics} x ${shape.partitions}`)
  const head = ['topics x partitions', 'unit', ...titles]
  const rule = head.map((_, at) => (at < 2 ? '---' : '---:'))
  const lines = measured[0]!.rows.map(({ name, unit }, row) => {
    return [name, unit, ...measured.map(({ rows }) => shown(rows[row]!.value))]
  })
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const wanted = process.argv.slice(2).map(Number)
  for (const shape of shapesOf(wanted[0] ?? 10_000)) {
    if (wanted[1] !== undefined && shape.topics !== wanted[1]) continue
    console.log(`== ${shape.topics} x ${shape.partitions}`)
    await runScale(shape)
  }
}
