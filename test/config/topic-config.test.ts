import { describe, expect, it } from 'vitest'
import { defaultTopicConfig, resolveTopicConfig, type TopicConfigLayers } from '../../src/config/topic-config.ts'

const resolve = (layers: { [Layer in keyof TopicConfigLayers]?: Record<string, string> }) => {
  const texts = (layer: keyof TopicConfigLayers) => new Map(Object.entries(layers[layer] ?? {}))
  return resolveTopicConfig({
    topic: texts('topic'),
    broker: texts('broker'),
    cluster: texts('cluster'),
    static: texts('static'),
  })
}

describe('topic config', () => {
  it('has the same defaults either way, none of them explicit', () => {
    expect(resolve({})).toEqual(defaultTopicConfig())
    expect(resolve({}).explicit.size).toBe(0)
  })

  it('takes overrides as explicit', () => {
    const config = defaultTopicConfig({ 'segment.bytes': 1_048_576 })
    expect(config['segment.bytes']).toBe(1_048_576)
    expect([...config.explicit]).toEqual(['segment.bytes'])
  })

  it('prefers topic to broker, broker to cluster, cluster to file', () => {
    const all = {
      static: { 'log.segment.bytes': '1048577' },
      cluster: { 'log.segment.bytes': '1048578' },
      broker: { 'log.segment.bytes': '1048579' },
      topic: { 'segment.bytes': '1048580' },
    }
    expect(resolve(all)['segment.bytes']).toBe(1048580)
    expect(resolve({ ...all, topic: {} })['segment.bytes']).toBe(1048579)
    expect(resolve({ ...all, topic: {}, broker: {} })['segment.bytes']).toBe(1048578)
    expect(resolve({ static: all.static })['segment.bytes']).toBe(1048577)
  })

  it.each([
    [
      'milliseconds before minutes and hours',
      { 'log.retention.ms': '5', 'log.retention.minutes': '6', 'log.retention.hours': '7' },
      'retention.ms',
      5,
    ],
    ['minutes before hours', { 'log.retention.minutes': '6', 'log.retention.hours': '7' }, 'retention.ms', 360_000],
    ['hours', { 'log.retention.hours': '7' }, 'retention.ms', 25_200_000],
    ['no limit in hours', { 'log.retention.hours': '-1' }, 'retention.ms', -1],
    ['no limit in hours, however negative', { 'log.retention.hours': '-2' }, 'retention.ms', -1],
    ['no limit in milliseconds, however negative', { 'log.retention.ms': '-5' }, 'retention.ms', -1],
    ['hours of a roll', { 'log.roll.hours': '2' }, 'segment.ms', 7_200_000],
    ['hours of jitter', { 'log.roll.jitter.hours': '1' }, 'segment.jitter.ms', 3_600_000],
    ['the flush scheduler', { 'log.flush.scheduler.interval.ms': '100' }, 'flush.ms', 100],
    [
      'the flush interval before the scheduler',
      { 'log.flush.scheduler.interval.ms': '100', 'log.flush.interval.ms': '7' },
      'flush.ms',
      7,
    ],
    ['the size of messages', { 'message.max.bytes': '9' }, 'max.message.bytes', 9],
  ] as const)('takes %s from the broker', (_, texts, name, value) => {
    expect(resolve({ static: texts })[name]).toBe(value)
  })

  it('lets finer broker settings win also from a weaker place', () => {
    const layers = { static: { 'log.retention.ms': '5' }, cluster: { 'log.retention.hours': '7' } }
    expect(resolve(layers)['retention.ms']).toBe(5)
  })

  it('knows what somebody set, also to the default', () => {
    const { explicit } = resolve({
      static: { 'log.flush.interval.messages': '9223372036854775807' },
      topic: { 'retention.ms': '604800000' },
    })
    expect([...explicit].sort()).toEqual(['flush.messages', 'retention.ms'])
  })

  it('saturates what no number can hold', () => {
    expect(resolve({ topic: { 'retention.ms': '9223372036854775807' } })['retention.ms']).toBe(2 ** 53 - 1)
  })

  it('passes over a value that an older or newer version stored and this one refuses', () => {
    const layers = { topic: { 'cleanup.policy': 'delete,shred' }, static: { 'log.cleanup.policy': 'compact' } }
    expect(resolve(layers)['cleanup.policy']).toEqual(['compact'])
    expect(resolve({ topic: layers.topic })['cleanup.policy']).toEqual(['delete'])
  })

  it('cannot be changed', () => {
    expect(() => Object.assign(defaultTopicConfig(), { 'segment.bytes': 1 })).toThrow(TypeError)
  })
})
