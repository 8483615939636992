import { ErrorCode } from '../../../protocol/errors.ts'
import type { Append, Durability } from '../storage.ts'
import type { AppendGroup } from './append-group.ts'
import type { LogContext } from './log-context.ts'
import type { Prepared } from './log-preparation.ts'
import { errorText } from './storage-error.ts'

/** One append of a call, and where its result goes. */
export interface QueuedAppend {
  readonly append: Append
  readonly durability: Durability
  readonly group: AppendGroup
  readonly index: number
}

interface Waiting {
  readonly queued: QueuedAppend
  prepared: Prepared | null
}

/**
 * Keeps the appends of one log in the order of their coming, while the batches of some are decompressed or recompressed
 * elsewhere. Without such batches nothing ever waits here.
 */
export class AppendQueue {
  readonly #name: string
  readonly #context: LogContext
  readonly #commit: (prepared: Prepared, queued: QueuedAppend) => void
  readonly #waiting: Waiting[] = []

  constructor(name: string, context: LogContext, commit: (prepared: Prepared, queued: QueuedAppend) => void) {
    this.#name = name
    this.#context = context
    this.#commit = commit
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  submit(queued: QueuedAppend, prepared: Prepared | Promise<Prepared>): void {
    if (!(prepared instanceof Promise)) {
      if (this.isEmpty) this.#commit(prepared, queued)
      else this.#waiting.push({ queued, prepared })
      return
    }
    const waiting: Waiting = { queued, prepared: null }
    this.#waiting.push(waiting)
    prepared
      .catch((error: unknown): Prepared => {
        this.#context.report('error', `${this.#name}: a batch could not be prepared: ${errorText(error)}`)
        return {
          kind: 'refused',
          error: ErrorCode.UNKNOWN_SERVER_ERROR,
          message: errorText(error),
          recordErrors: [],
          tellsLogStart: false,
        }
      })
      .then((result) => {
        waiting.prepared = result
        this.#drain()
      })
  }

  #drain(): void {
    for (let head = this.#waiting[0]; head?.prepared; head = this.#waiting[0]) {
      this.#waiting.shift()
      this.#commit(head.prepared, head.queued)
    }
  }
}
