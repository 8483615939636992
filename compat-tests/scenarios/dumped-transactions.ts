import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBatch, buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import { defaultTopicConfig } from '../../src/config/topic-config.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { nodeFileSystem } from '../../src/io/node-file-system.ts'
import { nodeRandom } from '../../src/io/node-random.ts'
import { nodeWork } from '../../src/io/node-work.ts'
import { LocalLogStore } from '../../src/storage/local/local-log-store.ts'
import type { LogHandle } from '../../src/storage/storage.ts'

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const COMMITTING = 89
const ABORTING = 88
const OPEN = 90
const ROUNDS = 12

/** A log with transactions, written by our storage without a broker: `look` gets its folder as written, and compacted. */
export async function writeTransactions(look: (folder: string, what: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-dumped-'))
  try {
    await withLog(folder, fill)
    await look(folder, 'as written')
    await withLog(folder, async (store) => {
      await store.runCompaction()
    })
    await look(folder, 'compacted')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withLog(
  directory: string,
  work: (store: LocalLogStore, log: LogHandle) => Promise<void>,
): Promise<void> {
  const store = await LocalLogStore.open({
    directory,
    fileSystem: nodeFileSystem,
    clock: nodeClock,
    random: nodeRandom,
    work: nodeWork(),
    nodeId: 1,
    clusterId: 'dumped',
    report: (level, message) => {
      if (level !== 'info') throw new Error(message)
    },
  })
  const config = defaultTopicConfig({
    'cleanup.policy': ['compact'],
    'segment.bytes': 1500,
    'index.interval.bytes': 0,
    'delete.retention.ms': 0,
    'min.cleanable.dirty.ratio': 0,
  })
  try {
    await work(store, await store.open({ topic: 'transactional', topicId: TOPIC_ID, partition: 0 }, config, 0))
  } finally {
    await store.close()
  }
}

/** One producer commits, another aborts, in turns and over several segments; a third leaves a transaction open. */
async function fill(store: LocalLogStore, log: LogHandle): Promise<void> {
  const append = async (records: Buffer) => {
    const [result] = await store.append(
      [{ log, records, origin: 'coordinator', leaderEpoch: 0, produceVersion: 13 }],
      'disk',
    )
    if (result!.error !== 0) throw new Error(`append: error ${result!.error}`)
  }
  const startMs = Date.now() - 3_600_000
  for (let round = 0; round < ROUNDS; round++) {
    const timestamp = startMs + round * 1000
    const data = (producerId: number, key: string, value: string | null) => {
      const records = [{ timestamp, key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }]
      return append(buildBatch({ producerId, producerEpoch: 0, baseSequence: round, transactional: true, records }))
    }
    const end = (producerId: number, commit: boolean) =>
      append(buildEndTransactionMarker({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp }))
    await data(ABORTING, `key-${round % 3}`, `aborted ${round}`)
    await data(COMMITTING, `key-${round % 4}`, round % 5 === 4 ? null : `committed ${round}`)
    await end(COMMITTING, true)
    await end(ABORTING, false)
    if (round === ROUNDS - 1) await data(OPEN, 'open', 'open')
  }
}
