import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lastOffset } from '../protocol/records/batch.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { defaultTopicConfig } from '../src/config/topic-config.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { nodeFileSystem } from '../src/io/node-file-system.ts'
import { nodeRandom } from '../src/io/node-random.ts'
import { nodeWork } from '../src/io/node-work.ts'
import { endOfTurn } from '../src/io/turn.ts'
import { newTopicId } from '../src/metadata/topic-id.ts'
import { LocalLogStore } from '../src/storage/local/local-log-store.ts'
import type { Durability, LogHandle } from '../src/storage/storage.ts'

/** `node bench/log.ts`: appends to logs and reads back, without sockets; one line each, with the CPU it took. */
const CASES = [
  { batchBytes: 1_000_000, logs: 1, megabytes: 1000, durability: 'os' },
  { batchBytes: 16_384, logs: 12, megabytes: 500, durability: 'os' },
  { batchBytes: 200, logs: 1, megabytes: 20, durability: 'os' },
  { batchBytes: 1_000_000, logs: 1, megabytes: 500, durability: 'disk' },
  { batchBytes: 16_384, logs: 12, megabytes: 100, durability: 'disk' },
] as const
const IN_FLIGHT = 20
const FETCH_BYTES = 1 << 20

const folder = mkdtempSync(path.join(tmpdir(), 'odradek-bench-log-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const store = await LocalLogStore.open({
  directory: folder,
  fileSystem: nodeFileSystem,
  clock: nodeClock,
  random: nodeRandom,
  work: nodeWork(),
  endOfTurn,
  nodeId: 1,
  clusterId: newTopicId(nodeRandom),
})
for (const { batchBytes, logs, megabytes, durability } of CASES) {
  const topic = { topic: `t${batchBytes}-${durability}`, topicId: newTopicId(nodeRandom) }
  const handles: LogHandle[] = []
  for (let partition = 0; partition < logs; partition++) {
    handles.push(await store.open({ ...topic, partition }, defaultTopicConfig(), 0))
  }
  const name = `batches of ${batchBytes} bytes, ${logs} log(s)`
  await timed(`append (${durability}), ${name}`, megabytes, () => append(handles, batchBytes, megabytes, durability))
  await timed(`read just written, ${name}`, megabytes, () => readAll(handles))
}
await store.close()

async function append(logs: readonly LogHandle[], batchBytes: number, megabytes: number, durability: Durability) {
  const size = Math.min(1000, batchBytes - 70)
  const record = { timestamp: Date.now(), key: null, value: Buffer.alloc(size, 'odradek ') }
  const batch = buildBatch({
    records: Array.from({ length: Math.max(1, Math.floor(batchBytes / 1000)) }, () => record),
  })
  const count = Math.ceil((megabytes * 1e6) / batch.length)
  let started = 0
  const worker = async () => {
    while (started < count) {
      const log = logs[started++ % logs.length]!
      // A log patches the offset into what it is given: a copy each, as a socket would bring it.
      const one = { log, records: Buffer.from(batch), origin: 'client', leaderEpoch: 0, produceVersion: 9 } as const
      const [result] = await store.append([one], durability)
      if (result!.error !== 0) throw new Error(`append: error ${result!.error}`)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

async function readAll(logs: readonly LogHandle[]): Promise<void> {
  for (const log of logs) {
    for (let offset = 0; offset < log.offsets.highWatermark; ) {
      const limits = { maxBytes: FETCH_BYTES, isolation: 'read_uncommitted' } as const
      const [result] = await store.read([{ log, offset, maxBytes: FETCH_BYTES }], limits)
      if (result!.error !== 0) throw new Error(`read: error ${result!.error}`)
      offset = nextOffset(result!.chunks, offset)
      result!.release()
    }
  }
}

/** Chunks may cut a batch only at their seams: the whole is walked by its length fields. */
function nextOffset(chunks: readonly Buffer[], offset: number): number {
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  let next = offset
  for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) next = lastOffset(bytes, at) + 1
  return next
}

async function timed(name: string, megabytes: number, work: () => Promise<unknown>): Promise<void> {
  const [cpuBefore, beganMs] = [process.cpuUsage(), performance.now()]
  await work()
  const seconds = (performance.now() - beganMs) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const cost = (user + system) / 1e6 / (megabytes / 1000)
  console.log(`${name.padEnd(58)} ${(megabytes / seconds).toFixed(0).padStart(6)} MB/s ${cost.toFixed(2)} CPU-s/GB`)
}
