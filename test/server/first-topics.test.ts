import { afterEach, describe, expect, it } from 'vitest'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { type FirstTopic, firstTopicsOf, parseTopicSpecs } from '../../src/config/first-topics.ts'
import { startBroker } from '../../src/index.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import type { Transport } from '../../src/io/transport.ts'
import { endOfTurn } from '../../src/io/turn.ts'
import type { MetadataImage } from '../../src/metadata/metadata-image.ts'
import { checkFirstTopics } from '../../src/server/first-topics.ts'
import { Odradek } from '../../src/server/odradek.ts'
import { captureLog, type LogCapture } from '../support/log-capture.ts'

const NOTHING = { 'odradek.create.topics': null, 'odradek.topics.file': null }
const topics = (specs: string) => parseTopicSpecs(specs, '')

interface Started {
  readonly log: LogCapture
  readonly image: MetadataImage
  readonly disk: SimulatedFileSystem
}

let running: Odradek | null = null
afterEach(async () => {
  await running?.close()
  running = null
})

/** On the disk of an earlier one, or a new one. Every listener that begins to accept writes a line. */
async function start(
  firstTopics: readonly FirstTopic[],
  settings: Readonly<Record<string, string>> = {},
  earlier?: SimulatedFileSystem,
): Promise<Started> {
  await running?.close()
  running = null
  const log = captureLog()
  const random = new SimulatedRandom(1)
  const network = new SimulatedNetwork(nodeClock, random, { maxDelayMs: 0 })
  const transport: Transport = {
    surroundings: network.surroundings,
    listen: (options, onSocket) => {
      log.logger.info('accepting')
      return network.listen(options, onSocket)
    },
  }
  const disk = earlier ?? new SimulatedFileSystem({ crashable: false, nowMs: () => nodeClock.nowMs() })
  const texts = new Map(Object.entries({ 'log.dirs': '/data', ...settings }))
  const { config } = loadBrokerConfig({ commandLine: texts })
  running = await Odradek.start(
    {
      ...{ random, endOfTurn, transport, clock: nodeClock, processes: null, logger: log.logger },
      ...{ fileSystem: disk, work: simulatedWork() },
    },
    { config, clusterId: null, firstTopics },
  )
  return { log, image: running.engine.metadata.image, disk }
}

const messages = ({ lines }: LogCapture) => lines.map(({ msg }) => msg)

describe('topics at the start', () => {
  it('are there before anybody can connect', async () => {
    const { log, image } = await start(topics('a:3:1:compact,b'), { 'num.partitions': '2' })
    const told = messages(log)
    const created = told.indexOf('topics created, with their partitions: a (3), b (2)')
    expect(created).toBeGreaterThanOrEqual(0)
    expect(told.indexOf('accepting')).toBeGreaterThan(created)
    expect([image.topics.get('a')?.partitions.length, image.topics.get('b')?.partitions.length]).toEqual([3, 2])
  })

  it('say nothing where there are none, or all are there as they should be', async () => {
    expect(messages((await start([])).log)).toEqual(['accepting'])
    const { disk } = await start(topics('a:2:1:compact'))
    expect(messages((await start(topics('a:2:1:compact,a-b:1'), {}, disk)).log)).toEqual([
      'topics created, with their partitions: a-b (1)',
      'accepting',
    ])
  })

  it('stay as they are when they are there already', async () => {
    const { disk, image } = await start(topics('a:2:1:retention.ms=5,b:2'))
    const again = await start(topics('a:3:1:retention.ms=6:cleanup.policy=compact,b:2'), {}, disk)
    expect(again.image.topics.get('a')?.id).toBe(image.topics.get('a')?.id)
    expect(messages(again.log)[0]).toBe(
      'topic a stays as it is: it has 2 partitions instead of 3, retention.ms 5 instead of 6, no cleanup.policy',
    )
  })

  it('get no more replicas than there are brokers', async () => {
    const one = await start(topics('a:1:3'))
    expect(messages(one.log)[0]).toBe('topic a gets 1 of 3 replicas: there is no more than one per broker')
    expect(one.image.topics.get('a')?.partitions[0]?.replicas).toEqual([1])
    const three = await start(topics('a:1:2,b:1:9'), { 'odradek.virtual.brokers': '3' })
    expect(three.log.warnings.map(({ msg }) => msg)).toEqual([
      'topic b gets 3 of 9 replicas: there is no more than one per broker',
    ])
    expect(three.image.topics.get('a')?.partitions[0]?.replicas).toHaveLength(2)
  })

  it.each([
    ['a/b', /topic a\/b, .*other than ASCII/],
    [`${'x'.repeat(250)}:1`, /topic x+, .*longer than/],
    ['a:1:1:colour=red', /topic a, .*colour/],
    ['a:1:1:cleanup.policy=shred', /topic a, .*shred/],
    ['a:10001', /topic a, .*more than 10000 partitions/],
  ])('%s can never be created', (specs, message) => {
    expect(() => checkFirstTopics(topics(specs))).toThrow(message)
  })

  it('are an error where they collide with another topic, and nobody can connect', async () => {
    const { disk } = await start(topics('a.b'))
    const refused = start(topics('a_b'), {}, disk)
    await expect(refused).rejects.toThrow("topic a_b, to be created at the start: Topic 'a_b' collides with")
  })
})

describe('topics at the start of a broker in a test', () => {
  it('are those of the settings too, and come back at a reset', async () => {
    await using broker = await startBroker({ topics: ['own'], config: { 'odradek.create.topics': 'a:2,b:1:3' } })
    expect(broker.topicNames).toEqual(['a', 'b', 'own'])
    await broker.deleteTopics(['a', 'own'])
    await broker.reset()
    expect(broker.topicNames).toEqual(['a', 'b', 'own'])
    expect(broker.topic('a').endOffsets).toEqual([0, 0])
  })

  it('there are none where nothing is said', () => {
    expect(firstTopicsOf(NOTHING, () => null)).toEqual([])
  })
})
