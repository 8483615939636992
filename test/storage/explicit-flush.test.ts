import { describe, expect, it } from 'vitest'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import { appendTo, batchOf, config, identity, openFixture } from './store-fixture.ts'

/** Syncs of files that one acks=all append makes before it is answered, once the log is in use. */
async function syncsOfOneAppend(overrides: Partial<TopicConfig>, origin: 'client' | 'coordinator' = 'client') {
  const { fileSystem, store } = await openFixture()
  const log = await store.open(identity(), config(overrides), 0)
  await appendTo(store, log, batchOf(['first']), { durability: 'disk', origin })
  const before = fileSystem.operations.sync
  await appendTo(store, log, batchOf(['second']), { durability: 'disk', origin })
  return fileSystem.operations.sync - before
}

describe('log.flush settings and the promise of acks=all', () => {
  it('by default the answer comes after a sync', async () => {
    expect(await syncsOfOneAppend({})).toBeGreaterThan(0)
  })

  it('flush.messages set by somebody, even to its default, means what it means in Kafka', async () => {
    expect(await syncsOfOneAppend({ 'flush.messages': Number.MAX_SAFE_INTEGER })).toBe(0)
  })

  it('flush.messages=1 syncs every append', async () => {
    expect(await syncsOfOneAppend({ 'flush.messages': 1 })).toBeGreaterThan(0)
  })

  it('flush.ms set leaves the sync to its timer', async () => {
    expect(await syncsOfOneAppend({ 'flush.ms': 1000 })).toBe(0)
  })

  it('group state and offsets are synced whatever is set', async () => {
    expect(await syncsOfOneAppend({ 'flush.messages': Number.MAX_SAFE_INTEGER }, 'coordinator')).toBeGreaterThan(0)
  })
})
