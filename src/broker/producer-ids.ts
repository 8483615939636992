import { allocateProducerIds } from '../metadata/allocate-producer-ids.ts'
import type { Metadata } from '../metadata/metadata.ts'

/**
 * Hands out producer ids, never the same twice: blocks of them are recorded durably before the first is used, so a
 * restart continues behind the last block.
 */
export class ProducerIds {
  readonly #metadata: Metadata
  readonly #brokerId: number
  #next = 0
  #end = 0
  #refill: Promise<void> | null = null

  constructor(metadata: Metadata, brokerId: number) {
    this.#metadata = metadata
    this.#brokerId = brokerId
  }

  async next(): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#allocate().finally(() => {
        this.#refill = null
      })
      await this.#refill
    }
    return this.#next++
  }

  async #allocate(): Promise<void> {
    const block = await this.#metadata.change((image) => allocateProducerIds(image, this.#brokerId))
    this.#next = block.firstProducerId
    this.#end = block.firstProducerId + block.count
  }
}
