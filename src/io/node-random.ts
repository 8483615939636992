import { randomBytes } from 'node:crypto'
import type { Random } from './random.ts'

/** Chance from the machine; `bytes` is fit for secrets and ids, `below` for jitter and order only. */
export const nodeRandom: Random = {
  below: (limit: number) => Math.floor(Math.random() * limit),
  bytes: (length: number) => randomBytes(length),
}
