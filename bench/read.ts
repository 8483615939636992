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
 * `node bench/read.ts [MB]`: LocalLogStore.read alone. `tail` reads what the tail cache holds, `file` everything from
 * the beginning, in reads of a megabyte as a consumer's fetches; the bytes are summed, not copied.
 */
const TOTAL_MB = Number(process.argv[2] ?? 1000)
const MAX_BYTES = 1024 * 1024

for (const [name, recordsPerBatch, valueBytes] of [
  ['1 MiB batches', 102, 10_240],
  ['16 KiB batches', 16, 1000],
  ['200 B batches', 1, 130],
] as const) {
  const batch = buildBatch({
    records: Array.from({ length: recordsPerBatch }, () => ({
      timestamp: Date.now(),
      key: null,
      value: randomBytes(valueBytes),
    })),
  })
  await measure(name, batch)
}

async function measure(name: string, batch: Buffer): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-read-'))
  const store = await LocalLogStore.open({
    directory,
    fileSystem: nodeFileSystem,
    clock: nodeClock,
    random: nodeRandom,
    work: nodeWork(),
    nodeId: 1,
    clusterId: 'bench',
  })
  const log = await store.open(
    { topic: 'bench', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 },
    defaultTopicConfig(),
    0,
  )
  await fill(store, log, batch)
  const end = log.offsets.highWatermark
  const recordsPerMegabyte = Math.ceil((1e6 / batch.length) * (end / countOf(batch)))
  await report(`${name}, tail`, store, log, Math.max(0, end - recordsPerMegabyte * 8), 40)
  await report(`${name}, file`, store, log, 0, 1)
  await store.close()
  rmSync(directory, { recursive: true })
}

function countOf(batch: Buffer): number {
  return Math.max(1, Math.round((TOTAL_MB * 1e6) / batch.length))
}

async function fill(store: LocalLogStore, log: LogHandle, batch: Buffer): Promise<void> {
  const perCall = Math.max(1, Math.floor(1_000_000 / batch.length))
  for (let left = countOf(batch); left > 0; left -= perCall) {
    const copies = Array.from({ length: Math.min(perCall, left) }, () => Buffer.from(batch))
    const results = await store.append(
      copies.map((records) => ({ log, records, origin: 'client', leaderEpoch: 0, produceVersion: 11 }) as const),
      'os',
    )
    if (results.some((result) => result.error !== 0)) throw new Error('an append failed')
  }
}

async function report(name: string, store: LocalLogStore, log: LogHandle, from: number, rounds: number): Promise<void> {
  const start = performance.now()
  const cpu = process.cpuUsage()
  let bytes = 0
  let reads = 0
  for (let round = 0; round < rounds; round++) {
    for (let offset = from; offset < log.offsets.highWatermark; ) {
      const limits = { maxBytes: MAX_BYTES, isolation: 'read_uncommitted' } as const
      const [result] = await store.read([{ log, offset, maxBytes: MAX_BYTES }], limits)
      if (!result || result.sizeBytes === 0) throw new Error(`nothing at offset ${offset}`)
      bytes += result.sizeBytes
      reads++
      offset = nextOffset(result.chunks)
      result.release()
    }
  }
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  console.log(
    `${name}: ${(bytes / 1e6 / seconds).toFixed(0)} MB/s, ${((user + system) / 1e6 / (bytes / 1e9)).toFixed(2)} CPU-s/GB, ${Math.round(reads / seconds)} reads/s, ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB resident`,
  )
}

/** Walks the headers of the last chunk, as a client would have to. */
function nextOffset(chunks: readonly Buffer[]): number {
  const chunk = chunks.at(-1)!
  let at = 0
  for (let next = 0; next < chunk.length; next += 12 + chunk.readInt32BE(next + 8)) at = next
  return Number(chunk.readBigInt64BE(at)) + chunk.readInt32BE(at + 23) + 1
}
