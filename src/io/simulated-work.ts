import { compress, decompress } from '../../protocol/records/compression.ts'
import type { Work } from './work.ts'

/** Everything at once and in order, so that a simulated run depends on its seed alone. */
export function simulatedWork(): Work {
  return {
    async compress(codec, data, level) {
      return compress(codec, data, level)
    },
    async decompress(codec, data, limitBytes) {
      return decompress(codec, data, limitBytes)
    },
  }
}
