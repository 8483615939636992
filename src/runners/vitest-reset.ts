import { beforeAll } from 'vitest'
import { broker } from './vitest.ts'

// Before and not after a file: what a failed test left can be looked at, and a file that died has cleaned up nothing.
beforeAll(() => broker.reset())
