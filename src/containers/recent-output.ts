import type { Readable } from 'node:stream'

const MOST_CHARACTERS = 4_000

/** The end of what a container has printed, for whoever wants to know why it does not start. */
export class RecentOutput {
  readonly #stream: Readable
  #text = ''

  constructor(stream: Readable) {
    this.#stream = stream
    stream.on('data', (chunk: unknown) => {
      this.#text = (this.#text + String(chunk)).slice(-MOST_CHARACTERS)
    })
    // It ends with the container; that there is no more of it is all that could be said.
    stream.on('error', () => stream.destroy())
  }

  /** The error, with the output if there is any. */
  explain(error: unknown): unknown {
    const text = this.#text.trim()
    if (text === '') return error
    const reason = error instanceof Error ? error.message : String(error)
    return new Error(`${reason}\nThe container's output ends with:\n${text}`, { cause: error })
  }

  /** Nothing may be left that would hold the process. */
  close(): void {
    this.#stream.destroy()
  }
}
