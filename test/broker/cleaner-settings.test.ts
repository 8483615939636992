import { afterEach, describe, expect, it } from 'vitest'
import { BROKER_RESOURCE, ClockedBroker, type Settings } from '../support/clocked-broker.ts'
import { Filled } from './topic-setting-effects.ts'

const DAY_MS = 86_400_000
const BACKOFF_MS = 15_000
const COMPACTED = {
  'segment.ms': '1000',
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0',
  'retention.ms': '-1',
}
/** So many distinct keys that the smallest map does not hold them. */
const MANY_KEYS = Array.from({ length: 1500 }, (_, index) => `key-${index}=1`)

describe('settings of the cleaner take effect on the running broker', () => {
  const brokers: ClockedBroker[] = []
  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.close()
  })

  async function filled(settings: Settings = {}, name = 'topic'): Promise<Filled> {
    const broker = await ClockedBroker.start({ 'odradek.durability': 'os', ...settings })
    brokers.push(broker)
    return another(broker, name)
  }

  async function another(broker: ClockedBroker, name: string, pairs?: readonly string[]): Promise<Filled> {
    await broker.createTopic(name, COMPACTED)
    const topic = new Filled(broker, name)
    await topic.segments(3, pairs)
    return topic
  }

  const countOf = async (topic: Filled) => (await topic.broker.records(topic.name)).length

  it('log.cleaner.backoff.ms, also shorter than a rest that has begun', async () => {
    const topic = await filled({ 'log.cleaner.backoff.ms': String(DAY_MS) })
    await topic.broker.advance(DAY_MS / 4)
    expect(await countOf(topic)).toBe(6)
    await topic.broker.alter(BROKER_RESOURCE, '', { 'log.cleaner.backoff.ms': '100' })
    await topic.broker.advance(200)
    expect(await countOf(topic)).toBe(4)
    await topic.broker.alter(BROKER_RESOURCE, '1', { 'log.cleaner.backoff.ms': String(DAY_MS) })
    await topic.broker.advance(200)
    await topic.segments(3)
    await topic.broker.advance(DAY_MS / 4)
    expect(await countOf(topic)).toBe(10)
  })

  it('log.cleaner.threads: none, and then one', async () => {
    const topic = await filled({ 'log.cleaner.threads': '0' })
    await topic.broker.advance(2 * BACKOFF_MS)
    expect(await countOf(topic)).toBe(6)
    await topic.broker.alter(BROKER_RESOURCE, '', { 'log.cleaner.threads': '1' })
    await topic.broker.advance(2 * BACKOFF_MS)
    expect(await countOf(topic)).toBe(4)
  })

  it.each(['0.01', '0'])('log.cleaner.io.max.bytes.per.second, also for a round that waits: %s', async (little) => {
    const topic = await filled({ 'log.cleaner.io.max.bytes.per.second': little })
    await topic.broker.advance(BACKOFF_MS * 4)
    expect(await countOf(topic)).toBe(6)
    await topic.broker.alter(BROKER_RESOURCE, '', { 'log.cleaner.io.max.bytes.per.second': '1000000' })
    await topic.broker.advance(1000)
    expect(await countOf(topic)).toBe(4)
  })

  it.each([
    ['log.cleaner.dedupe.buffer.size', '24000', '1000000'],
    ['log.cleaner.io.buffer.load.factor', '0.01', '0.9'],
  ])('%s: how many keys a round takes', async (name, little, enough) => {
    const topic = await filled({
      [name]: little,
      ...(name.endsWith('factor') && { 'log.cleaner.dedupe.buffer.size': '100000' }),
    })
    // The keys of one batch do not fit: the partition is left alone until they do.
    const large = await another(topic.broker, 'large', MANY_KEYS)
    await topic.broker.advance(2 * BACKOFF_MS)
    expect(await countOf(large)).toBe(3 * MANY_KEYS.length)
    await topic.broker.alter(BROKER_RESOURCE, '', { [name]: enough })
    await topic.broker.advance(2 * BACKOFF_MS)
    expect(await countOf(large)).toBe(2 * MANY_KEYS.length)
  })

  it('producer.id.expiration.ms: a producer that is forgotten may begin anywhere in its sequence', async () => {
    const topic = await filled({ 'producer.id.expiration.check.interval.ms': '1000' })
    const producer = { producerId: 7, producerEpoch: 0 }
    const put = async (baseSequence: number) => (await topic.put(['a=1'], { ...producer, baseSequence })).error
    expect(await put(0)).toBe(0)
    await topic.broker.advance(10_000)
    expect(await put(5)).toBe(45)
    await topic.broker.alter(BROKER_RESOURCE, '', { 'producer.id.expiration.ms': '5000' })
    await topic.broker.advance(10_000)
    expect(await put(5)).toBe(0)
  })

  it('what was changed at run time holds after a restart', async () => {
    const topic = await filled({ 'log.cleaner.backoff.ms': String(DAY_MS) })
    const { broker } = topic
    await broker.alter(BROKER_RESOURCE, '1', { 'log.cleaner.backoff.ms': '100' })
    await broker.close()
    brokers.splice(0)
    const again = await ClockedBroker.start({ 'log.cleaner.backoff.ms': String(DAY_MS) }, broker)
    brokers.push(again)
    await again.advance(1000)
    expect(await countOf(new Filled(again, topic.name))).toBe(4)
  })
})
