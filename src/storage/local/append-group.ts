import { ErrorCode } from '../../../protocol/errors.ts'
import type { AppendResult, RecordError } from '../storage.ts'

const NO_RECORD_ERRORS: readonly RecordError[] = Object.freeze([])

/** The appends of one call: one promise for all of them, resolved when the last one is as durable as was asked. */
export class AppendGroup {
  readonly #results: AppendResult[]
  #open: number
  #resolve: ((results: AppendResult[]) => void) | null = null

  constructor(size: number) {
    this.#results = new Array<AppendResult>(size)
    this.#open = size
  }

  /** What will be answered; the append still waits to become durable. */
  assign(index: number, result: AppendResult): void {
    this.#results[index] = result
  }

  settle(index: number, result?: AppendResult): void {
    if (result) this.#results[index] = result
    this.#open--
    if (this.#open === 0) this.#resolve?.(this.#results)
  }

  whenSettled(): Promise<AppendResult[]> {
    if (this.#open === 0) return Promise.resolve(this.#results)
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }
}

export function appended(
  baseOffset: number,
  nextOffset: number,
  logAppendTimeMs: number,
  logStartOffset: number,
): AppendResult {
  return {
    error: ErrorCode.NONE,
    message: null,
    recordErrors: NO_RECORD_ERRORS,
    baseOffset,
    nextOffset,
    logAppendTimeMs,
    logStartOffset,
  }
}

export function notAppended(
  error: ErrorCode,
  message: string,
  recordErrors: readonly RecordError[] = NO_RECORD_ERRORS,
  logStartOffset = -1,
): AppendResult {
  return { error, message, recordErrors, baseOffset: -1, nextOffset: -1, logAppendTimeMs: -1, logStartOffset }
}
