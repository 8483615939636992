import type { Clock } from '../../io/clock.ts'
import type { EndOfTurn } from '../../io/turn.ts'

/** How long a task in the background holds the event loop before it lets requests run: no client notices so little. */
const SLICE_MS = 1

/** Cuts long work in the background into slices: whoever does it asks after each small step whether to pause. */
export class TimeSlice {
  readonly #clock: Clock
  readonly #endOfTurn: EndOfTurn
  #endsAtMs: number

  constructor(context: { readonly clock: Clock; readonly endOfTurn: EndOfTurn }) {
    this.#clock = context.clock
    this.#endOfTurn = context.endOfTurn
    this.#endsAtMs = this.#clock.monotonicMs() + SLICE_MS
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endsAtMs
  }

  /** Resolves in the next turn of the event loop. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => this.#endOfTurn(resolve))
    this.#endsAtMs = this.#clock.monotonicMs() + SLICE_MS
  }
}
