import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { defaultTopicConfig } from '../src/config/topic-config.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { nodeFileSystem } from '../src/io/node-file-system.ts'
import { nodeRandom } from '../src/io/node-random.ts'
import { nodeWork } from '../src/io/node-work.ts'
import { LocalLogStore } from '../src/storage/local/local-log-store.ts'
import type { LogHandle } from '../src/storage/storage.ts'

/**
 * `node bench/append.ts [MB per row]`: LocalLogStore.append alone, durability os. Requests come four at a time, each
 * with one batch per partition, as from four connections; the CPU is the whole process's, thread pool included.
 */
const TOTAL_MB = Number(process.argv[2] ?? 2000)
const IN_FLIGHT = 4

interface Row {
  readonly name: string
  readonly partitions: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
  readonly codec?: number
}

const rows: readonly Row[] = [
  { name: '1 MiB batches, 10 kB records, 1 partition', partitions: 1, recordsPerBatch: 102, valueBytes: 10_240 },
  { name: '1 MiB batches, 100 B records, 1 partition', partitions: 1, recordsPerBatch: 9400, valueBytes: 100 },
  { name: '16 KiB batches, 1 kB records, 12 partitions', partitions: 12, recordsPerBatch: 16, valueBytes: 1000 },
  { name: '16 KiB batches, lz4, 12 partitions', partitions: 12, recordsPerBatch: 16, valueBytes: 1000, codec: 3 },
  { name: '200 B batches, 1 partition', partitions: 1, recordsPerBatch: 1, valueBytes: 130 },
]

for (const row of rows) await measure(row)

async function measure(row: Row): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-append-'))
  const store = await LocalLogStore.open({
    directory,
    fileSystem: nodeFileSystem,
    clock: nodeClock,
    random: nodeRandom,
    work: nodeWork(),
    nodeId: 1,
    clusterId: 'bench',
  })
  const logs = await Promise.all(
    Array.from({ length: row.partitions }, (_, partition) => {
      return store.open({ topic: 'bench', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition }, defaultTopicConfig(), 0)
    }),
  )
  const template = batchFor(row)
  const requests = Math.max(
    20,
    Math.round((TOTAL_MB * 1e6) / (template.length * row.partitions)) >>
      (row.valueBytes < 200 && row.recordsPerBatch === 1 ? 4 : 0),
  )
  const start = performance.now()
  const cpu = process.cpuUsage()
  let sent = 0
  const connection = async () => {
    // As the socket's reader does: every request in memory of its own.
    const buffer = Buffer.allocUnsafeSlow(template.length * row.partitions)
    while (sent++ < requests) await append(store, logs, template, buffer)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, connection))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const megabytes = (requests * template.length * row.partitions) / 1e6
  const cpuPerGb = (user + system) / 1e6 / (megabytes / 1000)
  const perSecond = Math.round((requests * row.partitions) / seconds)
  console.log(
    `${row.name}: ${(megabytes / seconds).toFixed(0)} MB/s, ${cpuPerGb.toFixed(2)} CPU-s/GB, ${perSecond} batches/s, ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB resident`,
  )
  await store.close()
  rmSync(directory, { recursive: true })
}

async function append(
  store: LocalLogStore,
  logs: readonly LogHandle[],
  template: Buffer,
  buffer: Buffer,
): Promise<void> {
  const appends = logs.map((log, index) => {
    const records = buffer.subarray(index * template.length, (index + 1) * template.length)
    template.copy(records)
    return { log, records, origin: 'client', leaderEpoch: 0, produceVersion: 11 } as const
  })
  const results = await store.append(appends, 'os')
  const failed = results.find((result) => result.error !== 0)
  if (failed) throw new Error(`an append failed with ${failed.error}: ${failed.message}`)
}

function batchFor(row: Row): Buffer {
  const records = Array.from({ length: row.recordsPerBatch }, () => ({
    timestamp: Date.now(),
    key: null,
    value: randomBytes(row.valueBytes),
  }))
  return buildBatch({ codec: row.codec ?? 0, records })
}
