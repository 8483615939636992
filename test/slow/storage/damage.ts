import { eachBatch } from '../../../protocol/records/batch.ts'
import type { Random } from '../../../src/io/random.ts'
import type { SimulatedFileSystem } from '../../../src/io/simulated-file-system.ts'
import { write } from './damaged-broker.ts'

/** One way in which a file is no longer what it was. */
export interface Damage {
  readonly name: string
  /** Where in the file it begins. */
  readonly position: number
  apply(disk: SimulatedFileSystem, path: string, content: Buffer): void
}

/** Of a batch header: base offset, length, epoch, magic, CRC, attributes, last offset delta, timestamps, producer, count. */
const HEADER_FIELDS = [0, 6, 7, 8, 9, 11, 12, 15, 16, 17, 21, 22, 24, 26, 34, 42, 43, 50, 52, 53, 56, 58, 60]
/** Of the other files; most are smaller than that. */
const MOST_FLIPS = 200
const SAMPLED_FLIPS = 2

/** Every damage of a file, or with a source of chance one that takes bytes away and two flipped bits. */
export function damagesOf(path: string, content: Buffer, random: Random | null): Damage[] {
  const [losses, flips] = [lossesOf(path, content), flipsOf(path, content)]
  if (random === null) return [...losses, ...flips]
  const oneOf = (damages: readonly Damage[]) => damages.slice(random.below(damages.length || 1)).slice(0, 1)
  return [...oneOf(losses), ...Array.from({ length: SAMPLED_FLIPS }, () => oneOf(flips)).flat()]
}

function lossesOf(path: string, content: Buffer): Damage[] {
  const damages: Damage[] = [
    { name: 'missing', position: 0, apply: (disk) => disk.unlink(path) },
    { name: 'empty', position: 0, apply: (disk) => write(disk, path, Buffer.alloc(0)) },
  ]
  for (const length of new Set([content.length - 1, content.length >> 1, 1])) {
    if (length <= 0 || length >= content.length) continue
    const apply = (disk: SimulatedFileSystem) => write(disk, path, content.subarray(0, length))
    damages.push({ name: `cut off at ${length}`, position: length, apply })
  }
  return damages
}

function flipsOf(path: string, content: Buffer): Damage[] {
  const bits = path.endsWith('.log') ? bitsOfLog(content) : bitsOfOther(content)
  return bits.map(([position, bit]) => {
    const apply = (disk: SimulatedFileSystem) => {
      const flipped = Buffer.from(content)
      flipped[position]! ^= 1 << bit
      write(disk, path, flipped)
    }
    return { name: `bit ${bit} of byte ${position} flipped`, position, apply }
  })
}

function bitsOfLog(content: Buffer): [position: number, bit: number][] {
  const batches = [...eachBatch(content)]
  const chosen = new Set([batches[0], batches[batches.length >> 1], batches.at(-1)])
  const bits: [number, number][] = []
  for (const at of chosen) {
    if (at === undefined) continue
    for (const field of HEADER_FIELDS) bits.push([at + field, field % 3])
    bits.push([at + 61, 0])
  }
  bits.push([content.length - 1, 7])
  return bits
}

function bitsOfOther(content: Buffer): [position: number, bit: number][] {
  const step = Math.max(1, Math.ceil(content.length / MOST_FLIPS))
  const bits: [number, number][] = []
  for (let position = 0; position < content.length; position += step) {
    bits.push([position, (position * 3) % 7])
  }
  return bits
}
