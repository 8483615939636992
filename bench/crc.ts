import { bench, group, run, summary } from 'mitata'
import { readBatchHeader } from '../protocol/records/batch.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { crc32c, loadNativeCrc32c, loadPortableCrc32c } from '../protocol/records/crc32c.ts'
import { walkBatch } from '../protocol/records/record.ts'

/** `node bench/crc.ts`: what the validation of a batch costs, the CRC by size and the walk over its records. */
const native = loadNativeCrc32c()
const portable = loadPortableCrc32c()
const bytes = Buffer.alloc(1024 * 1024 + 64, 'the quick brown fox jumps over the lazy dog ')

for (const sizeBytes of [61, 200, 300, 500, 4096, 16 * 1024, 1024 * 1024]) {
  group(`CRC-32C of ${sizeBytes} bytes`, () =>
    summary(() => {
      bench('chosen by size', () => crc32c(bytes, 21, 21 + sizeBytes))
      bench('portable', () => portable(bytes, 21, 21 + sizeBytes))
      if (native !== null) bench('native', () => native(bytes, 21, 21 + sizeBytes))
    }),
  )
}

const record = { timestamp: 1_700_000_000_000, key: Buffer.from('key-0001'), value: Buffer.alloc(100, 'v') }
const batch = buildBatch({
  records: Array.from({ length: 1000 }, (_, i) => ({ ...record, timestamp: record.timestamp + i })),
})
const header = readBatchHeader(batch, 0)
let newest = 0

group('a batch of 1,000 records of 100 bytes', () => {
  bench('walk', () => {
    walkBatch(batch, 0, header, (_index, _offsetDelta, timestamp) => {
      if (timestamp > newest) newest = timestamp
    })
  })
  bench('CRC', () => crc32c(batch, 21, batch.length))
})

await run()
