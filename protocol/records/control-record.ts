import { readInt16, readInt32, writeInt16, writeInt32 } from './int64.ts'

/** Types of the records in control batches, from the key of such a record. Readers skip those they do not know. */
export const ControlType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

const KEY_VERSION = 0
const KEY_BYTES = 4
const END_TRANSACTION_VERSION = 0
const END_TRANSACTION_BYTES = 6

/** -1 for a key that is not a control record's. */
export function controlTypeOf(key: Buffer | null): number {
  if (key === null || key.length < KEY_BYTES || readInt16(key, 0) < 0) return -1
  return readInt16(key, 2)
}

/** Epoch of the coordinator that ended the transaction; -1 for a value too short to hold one. */
export function coordinatorEpochOf(value: Buffer | null): number {
  return value === null || value.length < END_TRANSACTION_BYTES ? -1 : readInt32(value, 2)
}

export function endTransactionKey(type: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  writeInt16(key, 0, KEY_VERSION)
  writeInt16(key, 2, type)
  return key
}

export function endTransactionValue(coordinatorEpoch: number): Buffer {
  const value = Buffer.allocUnsafe(END_TRANSACTION_BYTES)
  writeInt16(value, 0, END_TRANSACTION_VERSION)
  writeInt32(value, 2, coordinatorEpoch)
  return value
}
