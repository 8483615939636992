import assert from 'node:assert/strict'
import type { ConfigEntry, ConfigOperation } from '../client.ts'
import { failsWith, type Scenario, type ScenarioContext, settled } from '../scenario.ts'
import { encoded, newTopic, produce, record } from './records.ts'

const SOURCE_TOPIC = 1
const SOURCE_DEFAULT = 5

async function entriesOf(
  context: ScenarioContext,
  type: 'topic' | 'broker',
  name: string,
): Promise<Map<string, ConfigEntry>> {
  const { entries } = await context.client.call('describeConfigs', { type, name })
  return new Map(entries.map((entry) => [entry.name, entry]))
}

async function expectValue(
  context: ScenarioContext,
  topic: string,
  name: string,
  value: string,
  source: number,
): Promise<void> {
  let last: ConfigEntry | undefined
  await settled(context, `${name} = ${value} from source ${source}`, async () => {
    last = (await entriesOf(context, 'topic', topic)).get(name)
    return last?.value === value && (last.source === null || last.source === source) ? true : undefined
  }).catch((error) => {
    throw new Error(`${error.message}; found ${JSON.stringify(last)}`)
  })
}

export const configScenarios: Scenario[] = [
  {
    name: 'describe-configs',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'configured', 1, {
        'retention.ms': '9223372036854775807',
        'segment.bytes': '2097152',
      })
      const entries = await entriesOf(context, 'topic', topic)
      assert.ok(entries.size >= 30, `all configs are listed, not only ${entries.size}`)
      await expectValue(context, topic, 'retention.ms', '9223372036854775807', SOURCE_TOPIC)
      await expectValue(context, topic, 'segment.bytes', '2097152', SOURCE_TOPIC)
      await expectValue(context, topic, 'cleanup.policy', 'delete', SOURCE_DEFAULT)
      await expectValue(context, topic, 'max.message.bytes', '1048588', SOURCE_DEFAULT)
      for (const entry of entries.values())
        assert.equal(entry.readOnly, false, `${entry.name} of a topic can be changed`)
    },
  },
  {
    name: 'describe-broker-configs',
    fixture: 'shared',
    operations: ['describeCluster'],
    async run(context) {
      const { brokers } = await context.client.call('describeCluster', {})
      const id = String(brokers[0]?.id)
      const entries = await entriesOf(context, 'broker', id)
      assert.equal(entries.get('node.id')?.value, id)
      assert.equal(entries.get('node.id')?.readOnly, true)
      assert.equal(entries.get('num.partitions')?.value, '1')
      assert.equal(entries.get('log.retention.hours')?.value, '168')
      assert.ok(entries.has('message.max.bytes'))
    },
  },
  {
    name: 'incremental-alter-configs',
    fixture: 'shared',
    operations: ['alterConfigs'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'altered')
      const alter = (...operations: ConfigOperation[]) =>
        client.call('alterConfigs', { type: 'topic', name: topic, operations })
      await alter(
        { name: 'retention.ms', op: 'set', value: '3600000' },
        { name: 'cleanup.policy', op: 'append', value: 'compact' },
      )
      await expectValue(context, topic, 'retention.ms', '3600000', SOURCE_TOPIC)
      await expectValue(context, topic, 'cleanup.policy', 'delete,compact', SOURCE_TOPIC)
      await alter({ name: 'cleanup.policy', op: 'subtract', value: 'delete' })
      await expectValue(context, topic, 'cleanup.policy', 'compact', SOURCE_TOPIC)
      await expectValue(context, topic, 'retention.ms', '3600000', SOURCE_TOPIC)
      await alter(
        { name: 'retention.ms', op: 'delete', value: null },
        { name: 'cleanup.policy', op: 'delete', value: null },
      )
      await expectValue(context, topic, 'retention.ms', '604800000', SOURCE_DEFAULT)
      await expectValue(context, topic, 'cleanup.policy', 'delete', SOURCE_DEFAULT)
      // Error 40, INVALID_CONFIG.
      await failsWith(40, alter({ name: 'no.such.config', op: 'set', value: '1' }))
      await failsWith(40, alter({ name: 'retention.ms', op: 'set', value: 'abc' }))
      await failsWith(40, alter({ name: 'retention.ms', op: 'append', value: '1' }))
      // Kafka looks at the value first, then at the topic.
      const nowhere = { type: 'topic' as const, name: context.unique('nowhere') }
      const legal: ConfigOperation[] = [{ name: 'retention.ms', op: 'set', value: '1' }]
      await failsWith(3, client.call('alterConfigs', { ...nowhere, operations: legal }))
      // It holds for the running log.
      await alter({ name: 'max.message.bytes', op: 'set', value: '1000' })
      await expectValue(context, topic, 'max.message.bytes', '1000', SOURCE_TOPIC)
      const big = record('x'.repeat(5_000), { key: encoded('k') })
      await failsWith(10, produce(client, topic, [big], { timeoutMs: 5_000 }))
      await alter({ name: 'max.message.bytes', op: 'delete', value: null })
      await expectValue(context, topic, 'max.message.bytes', '1048588', SOURCE_DEFAULT)
      await produce(client, topic, [big])
    },
  },
  {
    name: 'alter-configs-replaces-all',
    fixture: 'shared',
    operations: ['replaceConfigs'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'replaced', 1, { 'retention.ms': '3600000', 'segment.bytes': '2097152' })
      await client.call('replaceConfigs', { topic, configs: { 'segment.bytes': '4194304' } })
      await expectValue(context, topic, 'segment.bytes', '4194304', SOURCE_TOPIC)
      await expectValue(context, topic, 'retention.ms', '604800000', SOURCE_DEFAULT)
    },
  },
]
