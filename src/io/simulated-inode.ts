import type { SimulatedRandom } from './simulated-random.ts'

export type FileChange =
  | { readonly kind: 'write'; readonly position: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number }

const PAGE_BYTES = 64 * 1024

/** Bytes of a file in pages, so that a large file grows without being copied. */
class Content {
  sizeBytes = 0
  #pages: (Buffer | undefined)[] = []

  write(data: Buffer, position: number): void {
    let done = 0
    while (done < data.length) {
      const at = position + done
      const index = Math.floor(at / PAGE_BYTES)
      const page = (this.#pages[index] ??= Buffer.alloc(PAGE_BYTES))
      done += data.copy(page, at % PAGE_BYTES, done)
    }
    this.sizeBytes = Math.max(this.sizeBytes, position + data.length)
  }

  read(target: Buffer, position: number): number {
    const end = Math.min(target.length, this.sizeBytes - position)
    let done = 0
    while (done < end) {
      const at = position + done
      const length = Math.min(PAGE_BYTES - (at % PAGE_BYTES), end - done)
      const page = this.#pages[Math.floor(at / PAGE_BYTES)]
      if (page) page.copy(target, done, at % PAGE_BYTES, (at % PAGE_BYTES) + length)
      else target.fill(0, done, done + length)
      done += length
    }
    return Math.max(0, done)
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      this.#pages.length = Math.min(this.#pages.length, Math.ceil(sizeBytes / PAGE_BYTES))
      this.#pages[Math.floor(sizeBytes / PAGE_BYTES)]?.fill(0, sizeBytes % PAGE_BYTES)
    }
    this.sizeBytes = sizeBytes
  }

  apply(change: FileChange): void {
    if (change.kind === 'write') this.write(change.data, change.position)
    else this.truncate(change.sizeBytes)
  }
}

/** A file of the simulated disk: what a running process sees, what is on the platter, and what lies in between. */
export class SimulatedInode {
  readonly kind = 'file'
  modifiedMs: number
  /** Asynchronous writes under way: a power cut may let them through. */
  readonly inFlight = new Set<FileChange>()
  #current = new Content()
  readonly #durable: Content | null
  #unsynced: FileChange[] = []
  #synced = 0

  constructor(crashable: boolean, nowMs: number) {
    this.#durable = crashable ? new Content() : null
    this.modifiedMs = nowMs
  }

  get sizeBytes(): number {
    return this.#current.sizeBytes
  }

  /** Changes made so far; give it to makeDurable. */
  get changeCount(): number {
    return this.#synced + this.#unsynced.length
  }

  read(target: Buffer, position: number): number {
    return this.#current.read(target, position)
  }

  write(data: Buffer, position: number, nowMs: number): void {
    this.#current.write(data, position)
    this.modifiedMs = nowMs
    if (this.#durable) this.#unsynced.push({ kind: 'write', position, data: Buffer.from(data) })
  }

  truncate(sizeBytes: number, nowMs: number): void {
    this.#current.truncate(sizeBytes)
    this.modifiedMs = nowMs
    if (this.#durable) this.#unsynced.push({ kind: 'truncate', sizeBytes })
  }

  makeDurable(changeCount: number): void {
    if (!this.#durable || changeCount <= this.#synced) return
    for (const change of this.#unsynced.splice(0, changeCount - this.#synced)) this.#durable.apply(change)
    this.#synced = changeCount
  }

  unsynced(): FileChange[] {
    return [...this.#unsynced, ...this.inFlight]
  }

  /** Keeps the given changes only; each of them may be torn. */
  crash(survivors: readonly FileChange[], random: SimulatedRandom): void {
    const durable = this.#durable
    if (!durable) return
    survivors.forEach((change, index) => {
      // Of any write a part may be missing; at the end of the file that is likelier.
      const torn = change.kind === 'write' && random.below(index === survivors.length - 1 ? 2 : 8) === 0
      durable.apply(torn ? { ...change, data: tornPart(change.data, random) } : change)
    })
    this.#current = new Content()
    const copy = Buffer.alloc(durable.sizeBytes)
    durable.read(copy, 0)
    this.#current.write(copy, 0)
    this.#current.truncate(durable.sizeBytes)
    this.#unsynced = []
    this.#synced = 0
    this.inFlight.clear()
  }
}

/** Cut off, or in its full length with zeros where blocks were given to the file and not written yet. */
function tornPart(data: Buffer, random: SimulatedRandom): Buffer {
  const written = data.subarray(0, random.below(data.length + 1))
  if (random.below(2) === 0) return written
  return Buffer.concat([written, Buffer.alloc(data.length - written.length)])
}
