import { expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { appendTo, batchOf, config, identity, openFixture } from './store-fixture.ts'

it('a disk that is full right behind a roll left the log in recovery for ever', async () => {
  const { fileSystem, store } = await openFixture()
  const log = await store.open(identity(), config({ 'segment.bytes': 100 }), 0)
  await appendTo(store, log, batchOf(['a']))
  fileSystem.faults.push({ operation: 'write', code: 'ENOSPC', path: '00000000000000000002.log' })
  const results = await Promise.all([appendTo(store, log, batchOf(['b'])), appendTo(store, log, batchOf(['c']))])
  expect(results.map(({ error }) => error)).toEqual([ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR])
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  expect(await appendTo(store, log, batchOf(['d']))).toMatchObject({ error: ErrorCode.NONE, baseOffset: 2 })
})

it('a power cut left the second segment of a new log without the first', async () => {
  for (let seed = 0; seed < 100; seed++) {
    const { fileSystem, store } = await openFixture()
    const log = await store.open(identity(), config({ 'segment.bytes': 100 }), 0)
    for (const value of ['a', 'b', 'c']) await appendTo(store, log, batchOf([value]))
    const restarted = await openFixture({ fileSystem: fileSystem.crash(seed) })
    const { logStartOffset } = (await restarted.store.open(identity(), config(), 1)).offsets
    expect(logStartOffset, `seed ${seed}`).toBe(0)
  }
})
