import { batchCrcIsValid, batchPayload, eachBatch, readBatchHeader } from '../../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker } from '../../../protocol/records/batch-builder.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import { loadBrokerConfig } from '../../../src/config/broker-config.ts'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { NodeTransport } from '../../../src/io/node-transport.ts'
import { SimulatedFileSystem } from '../../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../../src/io/simulated-random.ts'
import { simulatedWork } from '../../../src/io/simulated-work.ts'
import { endOfTurn } from '../../../src/io/turn.ts'
import { verifyDataDirectory } from '../../../src/metadata/verify-data-directory.ts'
import { Odradek } from '../../../src/server/odradek.ts'
import type { Finding } from '../../../src/storage/local/verify-finding.ts'
import type { LogHandle } from '../../../src/storage/storage.ts'
import { captureLog } from '../../support/log-capture.ts'
import { PlainClient } from '../../support/plain-client.ts'

/** Every file of a disk, directories with null. */
export type Tree = ReadonlyMap<string, Buffer | null>

export function treeOf(disk: SimulatedFileSystem, directory = '/data', tree = new Map<string, Buffer | null>()): Tree {
  for (const name of disk.list(directory)) {
    const path = `${directory}/${name}`
    const isDirectory = disk.stat(path)!.directory
    tree.set(path, isDirectory ? null : disk.readFile(path))
    if (isDirectory) treeOf(disk, path, tree)
  }
  return tree
}

export function diskOf(tree: Tree): SimulatedFileSystem {
  const disk = new SimulatedFileSystem({ nowMs: () => Date.now(), crashable: false })
  disk.makeDirectory('/data')
  for (const [path, content] of tree) {
    if (content === null) disk.makeDirectory(path)
    else write(disk, path, content)
  }
  return disk
}

export function write(disk: SimulatedFileSystem, path: string, content: Buffer): void {
  const file = disk.open(path, 'create')
  file.truncate(0)
  file.writeSync([content], 0)
  file.close()
}

export interface Running {
  readonly odradek: Odradek
  /** Its warnings and errors so far. */
  readonly said: () => string[]
}

/** A whole broker on a simulated disk. */
export async function startOn(disk: SimulatedFileSystem): Promise<Running> {
  const log = captureLog()
  const settings = new Map([
    ['listeners', 'PLAINTEXT://127.0.0.1:0'],
    ['log.dirs', '/data'],
    ['offsets.topic.num.partitions', '1'],
  ])
  const { config } = loadBrokerConfig({ commandLine: settings })
  const io = {
    fileSystem: disk,
    clock: nodeClock,
    random: new SimulatedRandom(1),
    transport: new NodeTransport(),
    work: simulatedWork(),
    endOfTurn,
    processes: null,
    logger: log.logger,
  }
  const odradek = await Odradek.start(io, { config, clusterId: null })
  return { odradek, said: () => log.warnings.map(({ msg }) => msg) }
}

const T0 = 1_700_000_000_000
const VALUE_BYTES = 200
const BATCHES = 22
/** Segments are full when their index is: eight batches, and six. Small files make a case a matter of milliseconds. */
const EIGHT = { 'segment.index.bytes': '96', 'index.interval.bytes': '1', 'retention.ms': '-1' }
const SIX = { ...EIGHT, 'segment.index.bytes': '40' }
const GROUP = 'readers'
const COMMITTED = 7
const IDEMPOTENT = { producerId: 77, producerEpoch: 0 }
/** Of topic `small`, deleted by a caller. */
const DELETED = 2

function plainBatch(index: number, baseSequence = index): Buffer {
  const value = Buffer.concat([Buffer.from(`plain-${index} `), Buffer.alloc(VALUE_BYTES, index)])
  const records = [{ timestamp: T0 + index * 1000, key: null, value }]
  return buildBatch({ ...IDEMPOTENT, baseSequence, records })
}

/**
 * What the matrix damages: a topic of three segments from an idempotent producer, a small one whose first records were
 * deleted, one with an aborted transaction, and a committed offset.
 */
export async function writeEverything(disk: SimulatedFileSystem): Promise<Odradek> {
  const { odradek } = await startOn(disk)
  const client = await PlainClient.connect(odradek.listeners[0]!.port)
  await client.createTopic('plain', 1, EIGHT)
  await client.createTopic('small', 1, { 'retention.ms': '-1' })
  await client.createTopic('transactional', 1, SIX)
  for (let index = 0; index < BATCHES; index++) await client.produceBatch('plain', plainBatch(index))
  for (let index = 0; index < 5; index++) await client.produce('small', [`small-${index}`])
  await client.commit(GROUP, 'plain', COMMITTED)
  await client.close()
  await writeTransactions(odradek)
  const small = logOf(odradek, 'small')!
  await odradek.broker.store.deleteRecords(small, DELETED)
  return odradek
}

/** Aborted, committed, and enough besides for the aborted one to lie in a closed segment. */
async function writeTransactions(odradek: Odradek): Promise<void> {
  const { store } = odradek.broker
  const log = logOf(odradek, 'transactional')!
  const append = (records: Buffer) => {
    const [leaderEpoch, produceVersion] = [0, 13]
    return store.append([{ log, records, origin: 'coordinator', leaderEpoch, produceVersion }], 'disk')
  }
  const data = (producerId: number, text: string) => {
    const records = [{ timestamp: T0, key: null, value: Buffer.from(text) }]
    return append(buildBatch({ producerId, producerEpoch: 0, baseSequence: 0, transactional: true, records }))
  }
  const end = (producerId: number, commit: boolean) =>
    append(buildEndTransactionMarker({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp: T0 }))
  await data(88, 'aborted')
  await data(89, 'committed')
  await end(88, false)
  await end(89, true)
  await data(90, 'later')
  await end(90, true)
  await data(91, 'last')
  await end(91, false)
}

/** Null when the topic is gone. */
export function logOf(odradek: Odradek, topic: string): LogHandle | null {
  const { metadata, store } = odradek.broker
  const image = metadata.image.topics.get(topic)
  return (image && store.get(image.id, 0)) ?? null
}

/** What a reader finds at an offset: the value, or why not. */
export type Seen = { readonly value: string } | 'missing' | 'unreadable'

export interface Observation {
  readonly records: ReadonlyMap<string, Seen>
  readonly starts: Readonly<Record<string, number>>
  readonly ends: Readonly<Record<string, number>>
  readonly aborted: string
  /** Of an early record of `plain`, and where that epoch ended: what a consumer asks that looks for a truncation. */
  readonly epochs: string
  /** Of timestamps in `plain`, the offset that was found. */
  readonly byTimestamp: readonly (number | 'unreadable')[]
  readonly committed: number | string
}

const OFFSETS: Readonly<Record<string, number>> = { plain: BATCHES, small: 5, transactional: 8 }

/** Everything clients can learn, read the way they read. */
export async function observe({ odradek }: Running): Promise<Observation> {
  const records = new Map<string, Seen>()
  const starts: Record<string, number> = {}
  const ends: Record<string, number> = {}
  for (const [topic, count] of Object.entries(OFFSETS)) {
    const log = logOf(odradek, topic)
    if (log === null) continue
    starts[topic] = log.offsets.logStartOffset
    ends[topic] = log.offsets.highWatermark
    for (let offset = log.offsets.logStartOffset; offset < count; offset++) {
      records.set(`${topic} ${offset}`, await readOne(odradek, log, offset))
    }
  }
  const byTimestamp = await timestampsIn(odradek)
  const aborted = await abortedIn(odradek)
  const plain = logOf(odradek, 'plain')
  const epochs = plain === null ? 'the topic is gone' : epochsIn(odradek, plain)
  const client = await PlainClient.connect(odradek.listeners[0]!.port)
  const committed = await client.committed(GROUP, 'plain').catch(String)
  await client.close()
  return { records, starts, ends, aborted, epochs, byTimestamp, committed }
}

function epochsIn({ broker }: Odradek, log: LogHandle): string {
  return JSON.stringify([broker.store.epochAt(log, 3), broker.store.endOffsetForEpoch(log, 0)])
}

async function timestampsIn(odradek: Odradek): Promise<(number | 'unreadable')[]> {
  const found: (number | 'unreadable')[] = []
  const log = logOf(odradek, 'plain')
  for (let index = 0; log !== null && index < BATCHES; index += 3) {
    const search = odradek.broker.store.findByTimestamp(log, T0 + index * 1000, 'read_uncommitted')
    found.push(
      await search.then(
        ({ offset }) => offset,
        () => 'unreadable' as const,
      ),
    )
  }
  return found
}

async function abortedIn(odradek: Odradek): Promise<string> {
  const log = logOf(odradek, 'transactional')
  if (log === null) return 'the topic is gone'
  const read = { log, offset: 0, maxBytes: 10_000_000 }
  const [result] = await odradek.broker.store.read([read], { maxBytes: 10_000_000, isolation: 'read_committed' })
  const aborted = JSON.stringify(result!.abortedTransactions)
  result!.release()
  return aborted
}

async function readOne({ broker }: Odradek, log: LogHandle, offset: number): Promise<Seen> {
  const [result] = await broker.store.read([{ log, offset, maxBytes: 1 }], {
    maxBytes: 1,
    isolation: 'read_uncommitted',
  })
  if (result!.error !== 0) return result!.error === 1 ? 'missing' : 'unreadable'
  const bytes = Buffer.concat(result!.chunks)
  result!.release()
  try {
    for (const at of eachBatch(bytes)) {
      // A consumer checks it too.
      if (!batchCrcIsValid(bytes, at)) return 'unreadable'
      const header = readBatchHeader(bytes, at)
      for (const { value, offset: found } of readRecords(batchPayload(bytes, at), header)) {
        if (found === offset) return { value: String(value?.subarray(0, 20)) }
      }
    }
  } catch {
    return 'unreadable'
  }
  return 'missing'
}

/** The answer to the last batch of the idempotent producer, sent again. */
export async function retry({ odradek }: Running): Promise<number> {
  const log = logOf(odradek, 'plain')
  if (log === null) throw new Error('the topic is gone')
  const append = {
    log,
    records: plainBatch(BATCHES - 1),
    origin: 'client',
    leaderEpoch: 0,
    produceVersion: 11,
  } as const
  const [result] = await odradek.broker.store.append([append], 'disk')
  return result!.error === 0 ? result!.baseOffset : -result!.error
}

export async function verifyFindings(disk: SimulatedFileSystem): Promise<Finding[]> {
  const findings: Finding[] = []
  await verifyDataDirectory({
    fileSystem: disk,
    directory: '/data',
    processes: null,
    report: (finding) => findings.push(finding),
  })
  return findings
}

/** What there is to damage; not every state of the directory has all of them. */
export const FILES = [
  'meta.properties',
  '.kafka_cleanshutdown',
  '.odradek-manifest',
  '.odradek-transaction-indexes',
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
  '__cluster_metadata-0/00000000000000000000.log',
  '__consumer_offsets-0/00000000000000000000.log',
  ...['partition.metadata', 'leader-epoch-checkpoint'].map((name) => `plain-0/${name}`),
  ...['log', 'index', 'timeindex'].map((suffix) => `plain-0/00000000000000000000.${suffix}`),
  ...['log', 'index', 'timeindex', 'snapshot'].map((suffix) => `plain-0/00000000000000000008.${suffix}`),
  ...['log', 'index', 'timeindex', 'snapshot'].map((suffix) => `plain-0/00000000000000000016.${suffix}`),
  'plain-0/00000000000000000022.snapshot',
  ...['log', 'index', 'timeindex', 'txnindex'].map((suffix) => `transactional-0/00000000000000000000.${suffix}`),
  'transactional-0/00000000000000000006.txnindex',
  'transactional-0/00000000000000000006.snapshot',
  'transactional-0/00000000000000000008.snapshot',
]
