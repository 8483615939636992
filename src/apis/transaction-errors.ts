import { ErrorCode } from '../../protocol/errors.ts'

/** Versions from before PRODUCER_FENCED know INVALID_PRODUCER_EPOCH, and give up on it as they should. */
export function fencedFor(apiVersion: number, sinceVersion: number, error: ErrorCode): ErrorCode {
  if (error !== ErrorCode.PRODUCER_FENCED || apiVersion >= sinceVersion) return error
  return ErrorCode.INVALID_PRODUCER_EPOCH
}
