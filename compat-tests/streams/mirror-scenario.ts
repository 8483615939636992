import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import { Broker } from '../broker.ts'
import { eventually, freePort, sleep } from '../process.ts'
import { clientOf, createTopics } from './broker-admin.ts'
import { ConnectProgram, type Properties } from './connect-worker.ts'
import type { ScenarioOptions } from './streams-scenarios.ts'
import { streamsClasspath } from './toolchain.ts'
import type { Seen } from './truth.ts'
import { readAll } from './watch.ts'

const TOPIC = 'orders'
const MIRRORED = `theirs.${TOPIC}`
const PARTITIONS = 3
const RECORDS_OF_A_PART = 300
const GROUP = 'billing'
const PATIENCE_MS = 90_000

/** MirrorMaker 2 from Apache Kafka to the target, exactly once, while the target is killed and comes back. */
export async function mirrorScenario(options: ScenarioOptions): Promise<void> {
  const source = new Broker('kafka')
  const target = new Broker(options.target)
  const folder = mkdtempSync(join(tmpdir(), 'odradek-mirror-'))
  await Promise.all([source.start(), target.start()])
  const properties = mirrorProperties(source, target, await freePort())
  const main = 'org.apache.kafka.connect.mirror.MirrorMaker'
  const mirror = new ConnectProgram(main, folder, properties, options.logLevel)
  try {
    await createTopics(source, [TOPIC], PARTITIONS)
    await mirrorEverything(new Mirroring(source, target, folder), mirror, options.say)
  } catch (error) {
    options.say(`broker:\n${target.logTail()}\nMirrorMaker:\n${mirror.logTail()}`)
    throw error
  } finally {
    await mirror.kill()
    await Promise.all([source.dispose(), target.dispose()])
    if (!options.keep) rmSync(folder, { recursive: true, force: true })
  }
}

async function mirrorEverything(
  mirroring: Mirroring,
  mirror: ConnectProgram,
  say: (line: string) => void,
): Promise<void> {
  await mirroring.feed()
  await mirroring.commit()
  await mirror.start()
  await mirroring.waitForAll(mirror)
  say(`${mirroring.fed} records mirrored; kill -9 of the target`)
  await mirroring.feed()
  await sleep(300)
  await mirroring.target.kill()
  await sleep(500)
  await mirroring.target.start()
  await mirroring.waitForAll(mirror)
  say(`${mirroring.fed} records mirrored; kill -9 of MirrorMaker`)
  await mirroring.feed()
  await sleep(300)
  await mirror.kill()
  await mirror.start()
  await mirroring.waitForAll(mirror)
  await mirroring.verify(mirror)
}

class Mirroring {
  readonly #source: Broker
  readonly target: Broker
  readonly #folder: string
  fed = 0

  constructor(source: Broker, target: Broker, folder: string) {
    this.#source = source
    this.target = target
    this.#folder = folder
  }

  async feed(): Promise<void> {
    await withClient(this.#source, async (client) => {
      const records = Array.from({ length: RECORDS_OF_A_PART }, (_, index) => {
        const text = String(this.fed + index)
        return { key: Buffer.from(`key${text}`), value: Buffer.from(text) }
      })
      await client.produce(TOPIC, records)
    })
    this.fed += RECORDS_OF_A_PART
  }

  /** As a group that has read everything so far. */
  async commit(): Promise<void> {
    await withClient(this.#source, async (client) => {
      const queries = partitions(TOPIC).map((each) => ({ ...each, at: 'latest' as const }))
      const ends = await client.offsets(queries)
      await client.commitOffsets(
        GROUP,
        ends.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
      )
    })
  }

  async waitForAll(mirror: ConnectProgram): Promise<void> {
    let last = ''
    await eventually(`${this.fed} records mirrored`, PATIENCE_MS, async () => {
      mirror.failOnDeath()
      const there = await this.#read().catch((error: Error) => error)
      last = there instanceof Error ? there.message : `${there.length} are there`
      return !(there instanceof Error) && there.length >= this.fed ? true : undefined
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${last}`)
    })
  }

  async #read(): Promise<readonly Seen[]> {
    return (await this.#readTopics(this.target, MIRRORED)).seen
  }

  async #readTopics(broker: Broker, topics: string) {
    const place = { classpath: await streamsClasspath(), logFile: join(this.#folder, 'reader.log') }
    return readAll(place, broker.bootstrap, [topics])
  }

  /** The same records in the same order of each partition, and the group where it had been. */
  async verify(mirror: ConnectProgram): Promise<void> {
    const [expected, actual] = [
      await this.#readTopics(this.#source, TOPIC),
      await this.#readTopics(this.target, MIRRORED),
    ]
    for (const { partition } of partitions(TOPIC)) {
      const [ours, theirs] = [actual, expected].map(({ seen }) => keysOf(seen, partition))
      if (ours !== theirs)
        throw new Error(`${MIRRORED}-${partition} is not what ${TOPIC}-${partition} is:\n${ours}\n${theirs}`)
    }
    await withClient(this.target, async (client) => {
      const names = (await client.topics(null)).map(({ name }) => name)
      for (const name of ['mm2-offset-syncs.theirs.internal', 'theirs.checkpoints.internal', 'theirs.heartbeats']) {
        if (!names.includes(name ?? '')) throw new Error(`no topic ${name}, only ${names.join(', ')}`)
      }
      await eventually(`${GROUP} has offsets in ${MIRRORED}`, PATIENCE_MS, async () => {
        mirror.failOnDeath()
        const committed = await client.committedOffsets(GROUP, partitions(MIRRORED))
        return committed.length === PARTITIONS && committed.every(({ offset }) => offset > 0) ? true : undefined
      })
    })
  }
}

function keysOf(seen: readonly Seen[], partition: number): string {
  return seen
    .filter((each) => each.partition === partition)
    .map(({ key, value }) => `${key}=${value}`)
    .join()
}

function partitions(topic: string): { topic: string; partition: number }[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
}

async function withClient(broker: Broker, call: (client: KafkaClient) => Promise<void>): Promise<void> {
  const client = await clientOf(broker)
  try {
    await call(client)
  } finally {
    await client.close()
  }
}

function mirrorProperties(source: Broker, target: Broker, port: number): Properties {
  const factors = ['', 'checkpoints.topic.', 'heartbeats.topic.', 'offset-syncs.topic.']
  const storages = ['config', 'offset', 'status'].map((each) => `${each}.storage.`)
  return {
    clusters: 'theirs, ours',
    'theirs.bootstrap.servers': source.bootstrap,
    'ours.bootstrap.servers': target.bootstrap,
    'theirs->ours.enabled': 'true',
    'ours->theirs.enabled': 'false',
    'theirs->ours.topics': '.*',
    'ours.exactly.once.source.support': 'enabled',
    'dedicated.mode.enable.internal.rest': 'true',
    listeners: `HTTP://127.0.0.1:${port}`,
    // With the target the syncs are its to keep, too.
    'offset-syncs.topic.location': 'target',
    'offset.lag.max': '0',
    'emit.checkpoints.interval.seconds': '1',
    'emit.heartbeats.interval.seconds': '1',
    'refresh.topics.interval.seconds': '2',
    'refresh.groups.interval.seconds': '2',
    'sync.group.offsets.enabled': 'true',
    'sync.group.offsets.interval.seconds': '1',
    'session.timeout.ms': '6000',
    'heartbeat.interval.ms': '500',
    'scheduled.rebalance.max.delay.ms': '0',
    ...Object.fromEntries([...factors, ...storages].map((prefix) => [`${prefix}replication.factor`, '1'])),
  }
}
