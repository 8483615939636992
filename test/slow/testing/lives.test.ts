import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const PROGRAM = path.join(import.meta.dirname, 'lives.ts')
const MOST_GROWTH_BYTES = 10 * 1024 * 1024

/** Rejects when the process does not end by itself. */
async function run(what: 'starts' | 'resets', times: number) {
  const args = ['--expose-gc', PROGRAM, what, String(times)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 240_000 })
  return JSON.parse(stdout) as Record<'before' | 'after', { bytes: number; handles: Record<string, number> }>
}

/** Kinds of which there are more than before; an Immediate is gone in the same breath. */
function more(before: Record<string, number>, after: Record<string, number>): string[] {
  return Object.keys(after).filter((kind) => kind !== 'Immediate' && after[kind]! > (before[kind] ?? 0))
}

describe('brokers in one process leave nothing behind, and let it end', () => {
  it.each([
    ['starts', 200],
    ['resets', 1000],
  ] as const)('%s: %i', { timeout: 300_000 }, async (what, times) => {
    const { before, after } = await run(what, times)
    expect(more(before.handles, after.handles)).toEqual([])
    expect(after.bytes - before.bytes).toBeLessThan(MOST_GROWTH_BYTES)
  })
})
