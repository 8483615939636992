import { expect, it } from 'vitest'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { appendTo, batchOf, config, identity, NOW_MS, openFixture, readAll, valuesOf } from './store-fixture.ts'

const CAPACITY_BYTES = 40_000
const BALLAST = '/ballast'

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

/** Leaves so many bytes free, as another program would that fills the disk. */
function fill(disk: SimulatedFileSystem, freeBytes: number): void {
  const file = disk.open(BALLAST, 'create')
  file.truncate(0)
  const bytes = disk.space()!.freeBytes - freeBytes
  if (bytes > 0) file.writeSync([Buffer.alloc(bytes)], 0)
  file.close()
}

/** Answers that have not come after this many turns never will. */
async function settled<T>(promise: Promise<T>, what: string): Promise<T> {
  let waiting = true
  const answer = promise.finally(() => {
    waiting = false
  })
  for (let turn = 0; waiting && turn < 2000; turn++) await nextTurn()
  if (waiting) throw new Error(`${what} is never answered`)
  return answer
}

async function runSeed(seed: number): Promise<number> {
  const random = new SimulatedRandom(seed)
  const clock = new SimulatedClock(NOW_MS)
  const disk = new SimulatedFileSystem({
    capacityBytes: CAPACITY_BYTES,
    nowMs: () => clock.nowMs(),
    latency: () => turns(random.below(4)),
  })
  const { store } = await openFixture({ fileSystem: disk, clock })
  const logs: LogHandle[] = []
  for (const partition of [0, 1])
    logs.push(await store.open(identity('t', partition), config({ 'segment.bytes': 250 }), 0))
  const acknowledged = logs.map((): string[] => [])
  const pending: Promise<void>[] = []
  let refused = 0
  const append = (index: number, value: string) =>
    settled(
      appendTo(store, logs[index]!, batchOf([value]), { durability: random.below(2) === 0 ? 'disk' : 'os' }),
      `seed ${seed}: ${value}`,
    ).then(({ error }) => {
      if (error === 0) acknowledged[index]!.push(value)
      else refused++
    })
  for (let step = 0; step < 40; step++) {
    const choice = random.below(10)
    if (choice === 0) fill(disk, random.below(400))
    else if (choice === 1) disk.unlink(BALLAST)
    else if (choice === 2) clock.advance(random.below(70_000))
    else pending.push(append(random.below(2), `${seed}/${step}`))
    if (random.below(3) === 0) await turns(random.below(20))
  }
  disk.unlink(BALLAST)
  await Promise.all(pending)
  await turns(300)
  // Without a restart, and from the first try on.
  const before = refused
  for (const index of [0, 1, 0, 1]) await append(index, `${seed}/room again in ${index}`)
  expect(refused, `seed ${seed}: there was room again`).toBe(before)
  for (const [index, log] of logs.entries()) {
    const stored = valuesOf(await readAll(store, log))
    const lost = acknowledged[index]!.filter((value) => !stored.includes(value))
    expect(lost, `seed ${seed}: acknowledged and not stored`).toEqual([])
  }
  await settled(store.close(), `seed ${seed}: the close of the store`)
  return refused
}

it('appends stalled or failed for good after the disk had been full, though there was room again', async () => {
  let refused = 0
  for (let seed = 0; seed < 60; seed++) refused += await runSeed(seed)
  expect(refused, 'some appends met a full disk').toBeGreaterThan(50)
})
