import { bench, group, run, summary } from 'mitata'
import { CompressionCodec, compress, decompress } from '../protocol/records/compression.ts'
import { decodeLz4Frame, encodeLz4Frame } from '../protocol/records/lz4-frame.ts'
import { nodeWork } from '../src/io/node-work.ts'

/** `node bench/compression.ts`: every codec over JSON lines, on the event loop and in the thread pool. */
const LIMIT_BYTES = 16 * 1024 * 1024
const work = nodeWork()

for (const sizeBytes of [2 * 1024, 64 * 1024, 1024 * 1024]) {
  const data = jsonLines(sizeBytes)
  for (const [name, codec] of Object.entries(CompressionCodec)) {
    if (codec === CompressionCodec.NONE) continue
    const compressed = compress(codec, data, null)
    group(`${name}, ${sizeBytes / 1024} KiB to ${(compressed.length / 1024).toFixed(1)}`, () =>
      summary(() => {
        bench('compress', () => compress(codec, data, null))
        bench('compress in the pool', () => work.compress(codec, data, null))
        bench('decompress', () => decompress(codec, compressed, LIMIT_BYTES))
        bench('decompress in the pool', () => work.decompress(codec, compressed, LIMIT_BYTES))
        if (codec !== CompressionCodec.LZ4) return
        bench('compress without lz4-napi', () => encodeLz4Frame(data))
        bench('decompress without lz4-napi', () => decodeLz4Frame(compressed, LIMIT_BYTES))
      }),
    )
  }
}

await run()

/** Text with the redundancy of a usual event stream: the same for every run. */
function jsonLines(sizeBytes: number): Buffer {
  const actions = ['click', 'view', 'purchase', 'search']
  let text = ''
  for (let seed = 1; text.length < sizeBytes; seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) {
    const event = { id: seed, user: `user-${seed % 977}`, action: actions[seed % 4], amount: (seed % 100_000) / 100 }
    text += `${JSON.stringify(event)}\n`
  }
  return Buffer.from(text.slice(0, sizeBytes))
}
