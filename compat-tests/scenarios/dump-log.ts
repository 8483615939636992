import assert from 'node:assert/strict'
import { CODECS } from '../client.ts'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import { count, dump, partitionFiles } from './dumped-files.ts'
import { dumpedLifeScenarios } from './dumped-life.ts'
import { Member, receivedAll } from './membership.ts'
import { encoded, newTopic, numbered, payload, produce, record } from './records.ts'

/** Several segments, all codecs, sequences of producers, deleted records, times out of order, tombstones, both clocks. */
async function mixedLoad(context: ScenarioContext): Promise<{ rolled: string; group: string }> {
  const { client } = context
  const rolled = await newTopic(context, 'rolled', 1, { 'segment.bytes': '1048576', 'index.interval.bytes': '1024' })
  const start = Date.now() - 3_600_000
  for (let round = 0; round < 60; round++) {
    const codec = CODECS[round % CODECS.length] ?? 'none'
    const timestamp = start + ((round * 7_919) % 1_000) * 1_000
    const records = Array.from({ length: 20 }, (_, index) =>
      record(null, { value: payload(5_000, round * 20 + index), timestamp }),
    )
    await produce(client, rolled, records, { codec, idempotent: round % 2 === 0 })
  }
  await client.call('deleteRecords', { topic: rolled, partition: 0, offset: 100 })
  const compacted = await newTopic(context, 'compacted', 1, { 'cleanup.policy': 'compact' })
  await produce(client, compacted, [record('v', { key: encoded('k') }), record(null, { key: encoded('k') })])
  const stamped = await newTopic(context, 'stamped', 1, { 'message.timestamp.type': 'LogAppendTime' })
  await produce(client, stamped, numbered('r', 0, 10), { codec: 'zstd' })
  await newTopic(context, 'never-written', 2)
  const group = context.unique('dumped-group')
  const member = await Member.join(client, 'dumped', { group, topics: [compacted] })
  await receivedAll([member], ['v'])
  await member.commitReceived()
  await member.leave()
  return { rolled, group }
}

export const dumpLogScenarios: Scenario[] = [
  {
    name: 'dump-log-segments',
    fixture: 'restarted',
    async run(context) {
      const { rolled, group } = await mixedLoad(context)
      await context.restartBroker('stop', async () => {
        const partitions = partitionFiles(context.dataFolder)
        const of = (names: (name: string) => boolean, extension: string) =>
          partitions
            .filter(({ name }) => names(name))
            .flatMap(({ files }) => files.filter((file) => file.endsWith(extension)))
        const isPlain = (name: string) => name !== '__cluster_metadata-0'
        const logs = of(isPlain, '.log')
        const batches = await dump(context, logs, ['--deep-iteration', '--skip-record-metadata'])
        assert.ok(of((name) => name === `${rolled}-0`, '.log').length >= 3, 'the load has rolled several segments')
        assert.ok(count(batches, /isvalid: true/g) > 40, 'batches were read')
        for (const codec of CODECS)
          assert.match(batches, new RegExp(`compresscodec: ${codec}\\b`), `batches of ${codec}`)
        await dump(context, of(isPlain, '.index'), ['--index-sanity-check'])
        await dump(context, of(isPlain, '.index'), ['--verify-index-only'])
        await dump(context, of(isPlain, '.timeindex'), ['--index-sanity-check'])
        await dump(context, of(isPlain, '.timeindex'), ['--verify-index-only'])
        const states = await dump(
          context,
          of((name) => name === `${rolled}-0`, '.snapshot'),
          [],
        )
        assert.match(states, /producerId: \d+ producerEpoch: 0/)
        const offsets = await dump(
          context,
          of((name) => name.startsWith('__consumer_offsets-'), '.log'),
          ['--offsets-decoder'],
        )
        assert.ok(offsets.includes(`"group":"${group}"`), 'the group is in the offsets topic')
        const metadata = (extension: string) => of((name) => name === '__cluster_metadata-0', extension)
        const records = await dump(
          context,
          [...metadata('.checkpoint'), ...metadata('.log')],
          ['--cluster-metadata-decoder'],
        )
        assert.ok(records.includes(`"name":"${rolled}"`), 'the topic is in the metadata log')
        await dump(context, [...metadata('.index'), ...metadata('.timeindex')], ['--index-sanity-check'])
        context.note(`${logs.length} segments, ${count(batches, /isvalid: true/g)} batches read by DumpLogSegments`)
      })
    },
  },
  ...dumpedLifeScenarios,
]
