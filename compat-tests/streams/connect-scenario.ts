import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '../broker.ts'
import { eventually, sleep } from '../process.ts'
import { createTopics, topicConfig } from './broker-admin.ts'
import { ConnectWorker } from './connect-worker.ts'
import type { ScenarioOptions } from './streams-scenarios.ts'
import { streamsClasspath } from './toolchain.ts'
import { readAll } from './watch.ts'

const TOPIC = 'moved-lines'
const LINES_OF_A_PART = 400
const LINES_AT_ONCE = 40
/** The source keeps back what it has read beyond a batch until the file grows: a batch never ends before the file. */
const BATCH_SIZE = 100_000
const PATIENCE_MS = 60_000
const INTERNAL_TOPICS = ['connect-configs', 'connect-offsets', 'connect-status']

/** A file that a source connector writes to a topic, and that a sink connector writes to another file. */
class Moved {
  readonly source: string
  readonly sink: string
  readonly lines: string[] = []

  constructor(folder: string) {
    this.source = join(folder, 'source.txt')
    this.sink = join(folder, 'sink.txt')
  }

  /** Bit by bit, so that it takes more than one transaction to move them. */
  async append(): Promise<void> {
    for (let appended = 0; appended < LINES_OF_A_PART; appended += LINES_AT_ONCE) {
      const from = this.lines.length
      const part = Array.from({ length: LINES_AT_ONCE }, (_, index) => `line ${from + index}`)
      this.lines.push(...part)
      appendFileSync(this.source, part.map((line) => `${line}\n`).join(''))
      await sleep(20)
    }
  }

  get arrived(): string[] {
    if (!existsSync(this.sink)) return []
    return readFileSync(this.sink, 'utf8').split('\n').slice(0, -1)
  }
}

async function waitForArrival(moved: Moved, worker: ConnectWorker): Promise<void> {
  await eventually(`${moved.lines.length} lines in the sink's file`, PATIENCE_MS, async () => {
    worker.program.failOnDeath()
    return new Set(moved.arrived).size >= moved.lines.length ? true : undefined
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${new Set(moved.arrived).size} are there`)
  })
}

/** One worker, undisturbed, then after ends of every kind of worker and broker. The topic has each line once, in order. */
export async function connectScenario(options: ScenarioOptions): Promise<void> {
  const broker = new Broker(options.target)
  const folder = mkdtempSync(join(tmpdir(), 'odradek-connect-'))
  const moved = new Moved(folder)
  await broker.start()
  const worker = await ConnectWorker.create(join(folder, 'worker'), broker.bootstrap, options.logLevel)
  try {
    await createTopics(broker, [TOPIC], 1)
    await move(broker, worker, moved, options.say)
    await sourceOffsetsReset(worker, moved)
    await verifyTopic(broker, folder, moved)
  } catch (error) {
    options.say(`broker:\n${broker.logTail()}\nworker:\n${worker.program.logTail()}`)
    throw error
  } finally {
    await worker.program.kill()
    await broker.dispose()
    if (!options.keep) rmSync(folder, { recursive: true, force: true })
  }
}

async function move(broker: Broker, worker: ConnectWorker, moved: Moved, say: (line: string) => void): Promise<void> {
  await moved.append()
  await worker.start()
  await worker.callWhenSettled('PUT', '/connectors/file-source/config', {
    'connector.class': 'FileStreamSource',
    'tasks.max': '1',
    file: moved.source,
    topic: TOPIC,
    'batch.size': String(BATCH_SIZE),
    'exactly.once.support': 'required',
  })
  await worker.callWhenSettled('PUT', '/connectors/file-sink/config', {
    'connector.class': 'FileStreamSink',
    'tasks.max': '1',
    file: moved.sink,
    topics: TOPIC,
  })
  await waitForArrival(moved, worker)
  if (moved.arrived.join() !== moved.lines.join()) throw new Error('undisturbed, the lines came in another order')
  for (const topic of INTERNAL_TOPICS) {
    const policy = await topicConfig(broker, topic, 'cleanup.policy')
    if (policy !== 'compact') throw new Error(`${topic}: cleanup.policy is ${policy}`)
  }
  say(`${moved.arrived.length} lines; restart of the worker`)
  await worker.program.stop()
  await moved.append()
  await worker.start()
  await waitForArrival(moved, worker)
  say(`${moved.arrived.length} lines; kill -9 of the worker`)
  await moved.append()
  await sleep(200)
  await worker.program.kill()
  await worker.start()
  await waitForArrival(moved, worker)
  say(`${moved.arrived.length} lines; kill -9 of the broker`)
  await moved.append()
  await sleep(200)
  await broker.kill()
  await moved.append()
  await sleep(500)
  await broker.start()
  await waitForArrival(moved, worker)
}

/** What a person does who wants a file read once more; it fences the task's transactional producer. */
async function sourceOffsetsReset(worker: ConnectWorker, moved: Moved): Promise<void> {
  for (const connector of ['file-source', 'file-sink']) {
    await worker.callWhenSettled('PUT', `/connectors/${connector}/stop`)
    await worker.waitForState(connector, 'STOPPED')
  }
  const { offsets } = (await worker.call('GET', '/connectors/file-sink/offsets')) as { offsets: SinkOffset[] }
  const [committed] = offsets
  if (committed === undefined || committed.offset.kafka_offset < moved.lines.length) {
    throw new Error(`offsets of the sink: ${JSON.stringify(offsets)}`)
  }
  await worker.callWhenSettled('DELETE', '/connectors/file-sink/offsets')
  const partition = { filename: moved.source }
  const body = { offsets: [{ partition, offset: { position: 0 } }] }
  await worker.callWhenSettled('PATCH', '/connectors/file-source/offsets', body)
  rmSync(moved.sink)
  await moved.append()
  await worker.callWhenSettled('PUT', '/connectors/file-source/resume')
  await worker.callWhenSettled('PUT', '/connectors/file-sink/resume')
  await waitForArrival(moved, worker)
}

interface SinkOffset {
  readonly offset: { readonly kafka_offset: number }
}

/** The lines of five parts once, then those of all six from the start, since the offset was set to zero. */
async function verifyTopic(broker: Broker, folder: string, moved: Moved): Promise<void> {
  const place = { classpath: await streamsClasspath(), logFile: join(folder, 'reader.log') }
  const expected = [...moved.lines.slice(0, -LINES_OF_A_PART), ...moved.lines]
  const topic = await eventually('the topic has every line', PATIENCE_MS, async () => {
    const { seen } = await readAll(place, broker.bootstrap, [TOPIC])
    return seen.length >= expected.length ? seen.map(({ value }) => value) : undefined
  })
  const wrong = topic.findIndex((value, index) => value !== expected[index])
  if (wrong !== -1) throw new Error(`record ${wrong} of ${TOPIC} is ${topic[wrong]}, not ${expected[wrong]}`)
}
