import type { WireCase } from './wire-case.ts'
import { type WireTarget, WireTest } from './wire-test.ts'

/** Runs one case; throws what is wrong with the answers. */
export async function runCase({ run }: WireCase, target: WireTarget): Promise<void> {
  const test = new WireTest(target)
  try {
    await run(test)
  } finally {
    test.end()
  }
}
