import { expect } from 'vitest'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { applyRecords } from '../../src/metadata/image-builder.ts'
import type { LocalMetadata } from '../../src/metadata/local-metadata.ts'
import { formatted, openMetadata, plain } from './metadata-fixture.ts'
import { RandomCommands } from './random-commands.ts'

/**
 * Commands, a power cut in the middle of one of them, a start, and again: what was acknowledged is there, what was not
 * is there whole or not at all, and nothing else is.
 */
export async function crashRounds(seed: number, snapshotAfterBytes: number, ignoresSync = false): Promise<void> {
  const random = new SimulatedRandom(seed)
  const commands = new RandomCommands(seed)
  // Operations until the lights go out; the process then never hears back.
  let budget = Number.POSITIVE_INFINITY
  let wentOut: () => void = () => {}
  const latency = async (): Promise<void> => {
    if (budget-- > 0) return
    wentOut()
    await new Promise<never>(() => {})
  }
  let disk = await formatted(new SimulatedFileSystem({ latency, ignoresSync }))
  let possible: unknown[] = []
  let offset = -1
  for (let round = 0; round < 6; round++) {
    const dark = new Promise<null>((resolve) => {
      wentOut = () => resolve(null)
    })
    // Now and then the start itself does not get to its end.
    budget = random.below(4) === 0 ? random.below(8) : Number.POSITIVE_INFINITY
    const metadata = await Promise.race([dark, openMetadata(disk, { snapshotAfterBytes })])
    if (metadata !== null) {
      const found = plain(metadata.image, { epochs: false })
      if (possible.length > 0) expect(possible, `seed ${seed}, round ${round}`).toContainEqual(found)
      expect(metadata.image.offset).toBeGreaterThan(offset)
      budget = random.below(40)
      possible = await runUntilDark(metadata, commands, dark, random)
      offset = metadata.image.offset
    }
    disk = disk.crash(seed * 100 + round)
  }
}

/** The states a start may find: the last acknowledged one, or one with what was under way as well. */
async function runUntilDark(
  metadata: LocalMetadata,
  commands: RandomCommands,
  dark: Promise<null>,
  random: SimulatedRandom,
): Promise<unknown[]> {
  let out = false
  void dark.then(() => {
    out = true
  })
  for (;;) {
    const acknowledged = metadata.image
    let after = acknowledged
    const changes: Promise<unknown>[] = []
    for (let left = 1 + random.below(3); left > 0; left--) {
      // Decided here, since a command draws another topic id when it decides again.
      const { records } = commands.next()(after)
      after = applyRecords(after, records, after.offset)
      changes.push(metadata.change(() => ({ records, result: null })))
    }
    await Promise.race([dark, Promise.all(changes)])
    if (out) return [plain(acknowledged, { epochs: false }), plain(after, { epochs: false })]
    expect(plain(metadata.image)).toEqual(plain(after))
  }
}
