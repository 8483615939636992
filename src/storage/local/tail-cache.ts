/**
 * The most recent batches of every log, in memory: an append copies its batches here once, the write to the file and
 * the readers at the tail use that copy. Blocks are recycled, so that a steady load allocates nothing.
 */

/** A little above 1 MiB: a batch of Kafka's default max.message.bytes fits. */
const BLOCK_SIZES = [4096, 16_384, 65_536, 262_144, 1_114_112] as const
const LARGEST_POOLED_BYTES = 1_114_112

/** A piece of one segment's file, batch after batch. */
export class TailBlock {
  readonly buffer: Buffer
  readonly segmentBaseOffset: number
  /** Of the first byte, in the segment's file. */
  readonly filePosition: number
  readonly baseOffset: number
  usedBytes = 0
  /** Last offset, and end in the block, of each batch. */
  readonly lastOffsets: number[] = []
  readonly ends: number[] = []
  /** Who reads or writes these bytes: they are not recycled before all are done. */
  pins = 0
  owner: LogTail | null

  constructor(owner: LogTail, buffer: Buffer, segmentBaseOffset: number, filePosition: number, baseOffset: number) {
    this.owner = owner
    this.buffer = buffer
    this.segmentBaseOffset = segmentBaseOffset
    this.filePosition = filePosition
    this.baseOffset = baseOffset
  }

  get lastOffset(): number {
    return this.lastOffsets[this.lastOffsets.length - 1] ?? this.baseOffset - 1
  }
}

export class TailCache {
  readonly #budgetBytes: number
  readonly #free = new Map<number, Buffer[]>()
  /** Oldest first, over all logs; what is detached already is skipped. */
  #queue: TailBlock[] = []
  #head = 0
  #attachedBytes = 0
  #freeBytes = 0
  #pinnedBytes = 0

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes
  }

  /** Bytes held, including those that only a reader or a write under way still needs. */
  get sizeBytes(): number {
    return this.#attachedBytes + this.#freeBytes + this.#pinnedBytes
  }

  /** Room for at least so many bytes; wantedBytes is what the log would like for what follows. */
  allocate(minBytes: number, wantedBytes: number): Buffer {
    const largest = Math.max(minBytes, Math.min(wantedBytes, this.#budgetBytes / 8))
    const sizeBytes = BLOCK_SIZES.find((size) => size >= largest) ?? minBytes
    let buffer = this.#takeFree(sizeBytes)
    if (!buffer) {
      this.#makeRoom(sizeBytes)
      buffer = this.#takeFree(sizeBytes) ?? Buffer.allocUnsafeSlow(sizeBytes)
    }
    this.#attachedBytes += sizeBytes
    return buffer
  }

  attach(block: TailBlock): void {
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#queue.push(block)
  }

  /** The log no longer offers this block. */
  detach(block: TailBlock): void {
    if (block.owner === null) return
    block.owner = null
    this.#attachedBytes -= block.buffer.length
    if (block.pins === 0) this.#recycle(block.buffer)
    else this.#pinnedBytes += block.buffer.length
  }

  unpin(block: TailBlock): void {
    block.pins--
    if (block.pins > 0 || block.owner !== null) return
    this.#pinnedBytes -= block.buffer.length
    this.#recycle(block.buffer)
  }

  #takeFree(sizeBytes: number): Buffer | undefined {
    const buffer = this.#free.get(sizeBytes)?.pop()
    if (buffer) this.#freeBytes -= sizeBytes
    return buffer
  }

  #makeRoom(sizeBytes: number): void {
    while (this.#attachedBytes + this.#freeBytes + sizeBytes > this.#budgetBytes && this.#head < this.#queue.length) {
      const oldest = this.#queue[this.#head++]!
      oldest.owner?.evict(oldest)
      if (this.#free.get(sizeBytes)?.length) return // One as large as is wanted: nothing has to be allocated.
    }
    if (this.#attachedBytes + this.#freeBytes + sizeBytes > this.#budgetBytes) this.#dropFree()
  }

  #dropFree(): void {
    this.#free.clear()
    this.#freeBytes = 0
  }

  #recycle(buffer: Buffer): void {
    const pooled = buffer.length <= LARGEST_POOLED_BYTES && BLOCK_SIZES.some((size) => size === buffer.length)
    if (!pooled || this.#attachedBytes + this.#freeBytes + buffer.length > this.#budgetBytes) return
    const free = this.#free.get(buffer.length)
    if (free) free.push(buffer)
    else this.#free.set(buffer.length, [buffer])
    this.#freeBytes += buffer.length
  }
}

/** Where the bytes of an append lie, until they are in the file. */
export interface TailSlice {
  readonly block: TailBlock
  readonly start: number
  end: number
}

/** What of one log is in memory: always a contiguous run of batches up to its end. */
export class LogTail {
  readonly #cache: TailCache
  readonly #blocks: TailBlock[] = []
  #nextBlockBytes: number = BLOCK_SIZES[0]

  constructor(cache: TailCache) {
    this.#cache = cache
  }

  /** Offset of the first batch in memory; Infinity when there is none. */
  get baseOffset(): number {
    return this.#blocks[0]?.baseOffset ?? Number.POSITIVE_INFINITY
  }

  /** Copies one batch behind the others. The slice's block is pinned until the write is done. */
  append(
    source: Buffer,
    from: number,
    sizeBytes: number,
    place: { segmentBaseOffset: number; filePosition: number; baseOffset: number; lastOffset: number },
  ): TailSlice {
    let block = this.#blocks[this.#blocks.length - 1]
    if (
      !block ||
      block.buffer.length - block.usedBytes < sizeBytes ||
      block.segmentBaseOffset !== place.segmentBaseOffset
    ) {
      block = this.#open(sizeBytes, place)
    }
    const start = block.usedBytes
    source.copy(block.buffer, start, from, from + sizeBytes)
    block.usedBytes = start + sizeBytes
    block.lastOffsets.push(place.lastOffset)
    block.ends.push(block.usedBytes)
    block.pins++
    return { block, start, end: block.usedBytes }
  }

  /**
   * Views of whole batches from the one that holds the offset, which must be in memory; empty when the first batch is
   * larger than maxBytes and may not be exempt. The blocks are pinned.
   */
  read(offset: number, bound: number, maxBytes: number, firstIsExempt: boolean): TailSlice[] {
    const slices: TailSlice[] = []
    let index = this.#blocks.findLastIndex((block) => block.baseOffset <= offset)
    if (index < 0) return slices
    let budget = maxBytes
    let exempt = firstIsExempt
    let first = lowerBound(this.#blocks[index]!.lastOffsets, offset)
    for (; index < this.#blocks.length; index++, first = 0) {
      const block = this.#blocks[index]!
      const start = first === 0 ? 0 : block.ends[first - 1]!
      // Batches that end below the bound, and of these the ones that fit; the very first may be exempt.
      const readable = lowerBound(block.lastOffsets, bound)
      let stop = Math.min(readable, lowerBound(block.ends, start + budget + 1))
      if (exempt && stop <= first && first < readable) stop = first + 1
      if (stop <= first) break
      const end = block.ends[stop - 1]!
      block.pins++
      slices.push({ block, start, end })
      budget -= end - start
      exempt = false
      if (stop < block.lastOffsets.length || budget <= 0) break
    }
    return slices
  }

  /** Called by the cache for the oldest block, which is this log's first. */
  evict(block: TailBlock): void {
    const index = this.#blocks.indexOf(block)
    // Older blocks than an evicted one would leave a hole behind them.
    for (const evicted of this.#blocks.splice(0, index + 1)) this.#cache.detach(evicted)
    if (this.#blocks.length === 0) this.#nextBlockBytes = BLOCK_SIZES[0]
  }

  /** Gives up what begins before the offset. */
  evictBefore(offset: number): void {
    const block = this.#blocks.findLast(({ baseOffset }) => baseOffset < offset)
    if (block) this.evict(block)
  }

  clear(): void {
    for (const block of this.#blocks.splice(0)) this.#cache.detach(block)
  }

  #open(sizeBytes: number, place: { segmentBaseOffset: number; filePosition: number; baseOffset: number }): TailBlock {
    const buffer = this.#cache.allocate(sizeBytes, Math.max(sizeBytes, this.#nextBlockBytes))
    this.#nextBlockBytes = Math.min(LARGEST_POOLED_BYTES, buffer.length * 4)
    const block = new TailBlock(this, buffer, place.segmentBaseOffset, place.filePosition, place.baseOffset)
    this.#blocks.push(block)
    this.#cache.attach(block)
    return block
  }
}

/** Index of the first value that is at least the one asked for. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
