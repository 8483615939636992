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
