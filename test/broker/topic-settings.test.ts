import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigDefinition } from '../../src/config/config-definition.ts'
import { topicConfigs } from '../../src/config/topic-configs.ts'
import { BROKER_RESOURCE, ClockedBroker, TOPIC_RESOURCE } from '../support/clocked-broker.ts'
import { Filled, topicSettingEffects } from './topic-setting-effects.ts'

/** Shown by the tests of what they are about, for min.insync.replicas with several virtual brokers. */
const ELSEWHERE = /^odradek\.|^min\.insync\.replicas$/

describe('settings of topics take effect on the running broker', () => {
  let broker: ClockedBroker
  beforeAll(async () => {
    broker = await ClockedBroker.start({ 'odradek.durability': 'os' })
  })
  afterAll(() => broker.close())

  it.each(topicSettingEffects.map((effect, index) => ({ ...effect, index })))(
    '$name=$value set for the topic',
    async ({ name, given, value, fill, probe, before, after, index }) => {
      const topic = new Filled(broker, `topic-${index}`)
      await broker.createTopic(topic.name, given)
      await fill?.(topic)
      expect(await probe(topic), 'before').toBe(before)
      await broker.alter(TOPIC_RESOURCE, topic.name, { [name]: value })
      expect(await probe(topic), 'after').toBe(after)
    },
  )

  it('every setting that is said to have an effect is here', () => {
    const honoured = Object.entries<ConfigDefinition>(topicConfigs).filter(([, { use }]) => use === 'honour')
    const names = honoured.map(([name]) => name).filter((name) => !ELSEWHERE.test(name))
    expect([...new Set<string>(topicSettingEffects.map(({ name }) => name))].sort()).toEqual(names.sort())
  })
})

describe('their defaults on the broker take effect on topics that do not have their own', () => {
  it.each(topicSettingEffects.map((effect, index) => ({ ...effect, index })))(
    '$name=$value set for the broker or for all',
    async ({ name, given = {}, value, fill, probe, before, after, index }) => {
      const broker = await ClockedBroker.start({ 'odradek.durability': 'os' })
      try {
        const topic = new Filled(broker, 'topic')
        const synonyms: ConfigDefinition['synonyms'] = topicConfigs[name].synonyms
        const synonym = synonyms[0]!.name
        const { [name]: own, ...others } = given
        if (own !== undefined) await broker.alter(BROKER_RESOURCE, '', { [synonym]: own })
        await broker.createTopic(topic.name, others)
        await fill?.(topic)
        expect(await probe(topic), 'before').toBe(before)
        const isForAll = index % 2 === 0
        await broker.alter(BROKER_RESOURCE, isForAll ? '' : '1', { [synonym]: value })
        expect(await probe(topic), 'after').toBe(after)
      } finally {
        await broker.close()
      }
    },
  )
})
