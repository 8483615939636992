/** The disk failed, or holds what this broker must not touch. The message says which file and what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
}

/** The code Node gives a failed system call, or '' for any other error. */
export function systemErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** What a log line or a client can be told of an unknown thrown value. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
