import assert from 'node:assert/strict'
import { statSync, truncateSync } from 'node:fs'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { PlainClient } from '../../test/support/plain-client.ts'
import { Broker, type BrokerSettings } from '../broker.ts'
import { CompactionBroker } from '../compaction-broker.ts'
import { eventually } from '../process.ts'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import { count, dump, type PartitionFiles, partitionFiles } from './dumped-files.ts'
import { writeTransactions } from './dumped-transactions.ts'

const SETTINGS: BrokerSettings = {
  'log.cleaner.backoff.ms': '200',
  'log.retention.check.interval.ms': '300',
  'log.initial.task.delay.ms': '100',
  'offsets.topic.num.partitions': '2',
  'metadata.log.max.record.bytes.between.snapshots': '500',
}
/** A segment for every few records, by the time of the records. */
const SMALL = { 'segment.ms': '1000', 'index.interval.bytes': '0' }
const COMPACTED = 'compacted'
const COMPACTING = { 'cleanup.policy': 'compact', 'delete.retention.ms': '0', 'min.cleanable.dirty.ratio': '0' }
const RECORDS = 60
const DELETED = 25
const HOUR_MS = 3_600_000
const METADATA = '__cluster_metadata-0'

/** A batch each, of an idempotent producer, far enough apart for a new segment now and then. */
function batchOf(index: number, key: string | null, value: string | null): Buffer {
  const timestamp = Date.now() - HOUR_MS + index * 400
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
  const records = [{ timestamp, key: bytes(key), value: bytes(value) }]
  return buildBatch({ producerId: 7_000, producerEpoch: 0, baseSequence: index, records })
}

async function fill(client: CompactionBroker): Promise<void> {
  await client.createTopic('rolled', SMALL)
  await client.createTopic('shortened', SMALL)
  await client.createTopic(COMPACTED, { ...SMALL, ...COMPACTING })
  await client.createTopic('torn', { 'index.interval.bytes': '0' })
  await client.createTopic('deleted', SMALL)
  for (let index = 0; index < RECORDS; index++) {
    for (const topic of ['rolled', 'shortened', 'torn', 'deleted']) {
      await client.produce(topic, batchOf(index, null, `${topic} ${index}`))
    }
    const value = index % 9 === 8 ? null : `value ${index}`
    await client.produce(COMPACTED, batchOf(index, `key-${index % 7}`, value))
  }
  await client.deleteRecords('shortened', DELETED)
  await client.settled('shortened', 'the log start', ({ earliest }) => earliest === DELETED)
  await client.settled(COMPACTED, 'compaction', ({ records }) => records.length < RECORDS / 2)
}

async function commit(port: number): Promise<void> {
  const client = await PlainClient.connect(port)
  try {
    await eventually('a commit', 20_000, async () => {
      // Kafka makes the topic when somebody asks for a coordinator.
      await client.wire.send(FindCoordinator, 3, { key: 'dumped', keyType: 0 })
      return client.commit('dumped', 'rolled', 7).then(
        () => true,
        () => undefined,
      )
    })
  } finally {
    await client.close()
  }
}

/** Everything that lies in the directory, with every option that reads it. Returns how many batches were sound. */
async function dumpAll(
  context: ScenarioContext,
  partitions: readonly PartitionFiles[],
  isCompacted = (name: string) => name === `${COMPACTED}-0` || name.startsWith('__consumer_offsets-'),
): Promise<number> {
  let batches = 0
  for (const { name, files } of partitions) {
    if (name === METADATA) continue
    const of = (extension: string) => files.filter((file) => file.endsWith(extension))
    const compacted = isCompacted(name)
    for (const flags of [[], ['--deep-iteration'], ['--deep-iteration', '--print-data-log']]) {
      batches += count(await dump(context, of('.log'), flags, compacted), /isvalid: true/g)
    }
    for (const extension of ['.index', '.timeindex']) {
      await dump(context, of(extension), ['--index-sanity-check'])
      await dump(context, of(extension), ['--verify-index-only'])
      await dump(context, of(extension), [])
    }
    await dump(context, of('.txnindex'), [])
    await dump(context, of('.snapshot'), [])
    if (name.startsWith('__consumer_offsets-')) await dump(context, of('.log'), ['--offsets-decoder'], true)
  }
  return batches
}

async function dumpMetadata(context: ScenarioContext, partitions: readonly PartitionFiles[]): Promise<void> {
  const metadata = partitions.find(({ name }) => name === METADATA)!.files
  const of = (extension: string) => metadata.filter((file) => file.endsWith(extension))
  const records = await dump(context, [...of('.checkpoint'), ...of('.log')], ['--cluster-metadata-decoder'])
  assert.ok(records.includes('"name":"rolled"'), 'the topic is in the metadata')
  assert.ok(
    of('.checkpoint').some((file) => !/\/0{20}-0{10}\.checkpoint$/.test(file)),
    'there is a snapshot',
  )
  await dump(context, of('.checkpoint'), ['--cluster-metadata-decoder', '--deep-iteration'])
  for (const extension of ['.index', '.timeindex']) await dump(context, of(extension), ['--index-sanity-check'])
  await dump(context, of('.snapshot'), [])
}

const filesOf = (partitions: readonly PartitionFiles[], name: string, extension: string) =>
  partitions.find((partition) => partition.name === name)!.files.filter((file) => file.endsWith(extension))

async function live(context: ScenarioContext, broker: Broker): Promise<void> {
  await broker.start()
  const client = await CompactionBroker.connect(broker)
  await fill(client)
  client.close()
  await commit(broker.port)
  await broker.kill()
  const killed = partitionFiles(broker.dataFolder)
  // What a crash leaves is read by the next start; only its segments are as they will be.
  const logs = killed
    .filter(({ name }) => name !== METADATA)
    .map(({ name, files }) => {
      return { name, files: files.filter((file) => file.endsWith('.log')) }
    })
  await dumpAll(context, logs)
  const torn = filesOf(killed, 'torn-0', '.log').at(-1)!
  truncateSync(torn, statSync(torn).size - 7)
  await assert.rejects(dump(context, [torn], ['--deep-iteration']), /invalid bytes/, 'a torn end is a complaint')
  await broker.start()
  const again = await CompactionBroker.connect(broker)
  await again.produce('torn', batchOf(RECORDS - 1, null, 'torn, once more'))
  const { latest } = await again.contents('torn')
  assert.equal(latest, RECORDS, 'the torn record was cut off, and sent again')
  again.close()
  await broker.stop()
  const stopped = partitionFiles(broker.dataFolder)
  const batches = await dumpAll(context, stopped)
  await dumpMetadata(context, stopped)
  assert.ok(filesOf(stopped, 'rolled-0', '.log').length > 3, 'there are several segments')
  assert.ok(filesOf(stopped, 'shortened-0', '.log').length < filesOf(stopped, 'rolled-0', '.log').length)
  context.note(`${batches} batches read by DumpLogSegments`)
}

export const dumpedLifeScenarios: Scenario[] = [
  {
    name: 'dump-log-segments-of-a-life',
    fixture: 'shared',
    async run(context) {
      const broker = new Broker(context.target, SETTINGS)
      try {
        await live(context, broker)
      } finally {
        await broker.dispose()
      }
    },
  },
  {
    name: 'dump-log-segments-of-transactions',
    fixture: 'shared',
    async run(context) {
      await writeTransactions(async (folder, what) => {
        const partitions = partitionFiles(folder)
        await dumpAll(context, partitions, () => what === 'compacted')
        const aborted = await dump(context, filesOf(partitions, 'transactional-0', '.txnindex'), [])
        assert.match(aborted, /producerId: 88 firstOffset: 0/, what)
        const log = await dump(context, filesOf(partitions, 'transactional-0', '.log'), ['--deep-iteration'], true)
        assert.match(log, /endTxnMarker: ABORT coordinatorEpoch: 0/, what)
        assert.match(log, /endTxnMarker: COMMIT coordinatorEpoch: 0/, what)
      })
    },
  },
]
