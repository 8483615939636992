/**
 * open: there is room. deleting: the high mark was passed, and what has to go is on its way. rejecting: nothing more
 * may be deleted, so producers have to wait.
 */
export type DiskBudgetState = 'open' | 'deleting' | 'rejecting'

export interface DiskLevel {
  /** On the disk, files that are only waiting to be removed included. */
  readonly usedBytes: number
  /** Those alone. */
  readonly leavingBytes: number
  readonly highBytes: number
  readonly lowBytes: number
}

/** Whether something has to be done about the level. */
export function isUnderPressure(state: DiskBudgetState, { usedBytes, highBytes, lowBytes }: DiskLevel): boolean {
  return state === 'open' ? usedBytes > highBytes : usedBytes > lowBytes
}

/**
 * Whether segments have to be deleted, down to the low mark. What is leaving frees its space by itself: while that is
 * enough to get below the high mark again, nothing more goes.
 */
export function mustDelete(state: DiskBudgetState, level: DiskLevel): boolean {
  if (!isUnderPressure(state, level)) return false
  return stayingBytes(level) > (state === 'rejecting' ? level.lowBytes : level.highBytes)
}

/** Above the low mark, once everything has left that is leaving. */
export function excessBytes(level: DiskLevel): number {
  return stayingBytes(level) - level.lowBytes
}

/** The state after whatever could be deleted was. It gets stricter above the high mark, and ends at the low one. */
export function nextState(state: DiskBudgetState, level: DiskLevel): DiskBudgetState {
  if (!isUnderPressure(state, level)) return 'open'
  if (state === 'rejecting') return 'rejecting'
  return stayingBytes(level) > level.highBytes ? 'rejecting' : 'deleting'
}

function stayingBytes({ usedBytes, leavingBytes }: DiskLevel): number {
  return usedBytes - leavingBytes
}
