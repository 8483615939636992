import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CODECS } from '../client.ts'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import { Member, receivedAll } from './membership.ts'
import { encoded, newTopic, numbered, payload, produce, record } from './records.ts'

const DUMP = 'org.apache.kafka.tools.DumpLogSegments'
const FILES_AT_ONCE = 60

/** What DumpLogSegments says when a segment or an index is not as it should be. */
const COMPLAINTS =
  /^.*(ismatch|isvalid: false|[Nn]on-consecutive|are not found|out of order|invalid bytes|Exception|Error at).*$/m

/** The tool counts offsets from −1 in every segment, and so finds a gap before the first record of a later one. */
const FIRST_OF_A_SEGMENT = /^Non-consecutive offsets in .*\n {2}-1 is followed by \d+\n(?! )/gm

interface PartitionFiles {
  name: string
  files: string[]
}

function partitionFiles(folder: string): PartitionFiles[] {
  const names = readdirSync(folder).filter((name) => /-\d+$/.test(name) && statSync(join(folder, name)).isDirectory())
  return names.map((name) => ({ name, files: readdirSync(join(folder, name)).map((file) => join(folder, name, file)) }))
}

async function dump(context: ScenarioContext, files: readonly string[], flags: readonly string[]): Promise<string> {
  let output = ''
  for (let start = 0; start < files.length; start += FILES_AT_ONCE) {
    const some = files.slice(start, start + FILES_AT_ONCE)
    const run = await context.client.call(
      'tool',
      { tool: DUMP, arguments: [...flags, '--files', some.join(',')], input: '' },
      240_000,
    )
    assert.equal(run.code, 0, `exit code ${run.code}\n${run.output.slice(-1_000)}\n${run.errors.slice(-1_000)}`)
    const complaint = COMPLAINTS.exec(`${run.output}\n${run.errors}`.replaceAll(FIRST_OF_A_SEGMENT, ''))
    if (complaint !== null) {
      const around = complaint.input.slice(Math.max(0, complaint.index - 300), complaint.index + 500)
      throw new assert.AssertionError({ message: `DumpLogSegments ${flags.join(' ')} complains:\n${around}` })
    }
    output += run.output
  }
  return output
}

function count(output: string, pattern: RegExp): number {
  return [...output.matchAll(pattern)].length
}

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
]
