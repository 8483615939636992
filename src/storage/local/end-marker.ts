import { BATCH_HEADER_BYTES, type BatchHeader, isControl } from '../../../protocol/records/batch.ts'
import { ControlType, controlTypeOf, coordinatorEpochOf } from '../../../protocol/records/control-record.ts'
import { RecordCursor } from '../../../protocol/records/record-cursor.ts'
import type { EndMarker } from './producer-state.ts'

/** What a batch says about a transaction's end; null for data and for control records of other types. */
export function readEndMarker(buffer: Buffer, at: number, header: BatchHeader): EndMarker | null {
  if (!isControl(header.attributes) || header.recordCount === 0) return null
  const cursor = new RecordCursor(buffer, at + BATCH_HEADER_BYTES, at + header.sizeBytes)
  if (!cursor.next()) return null
  const type = controlTypeOf(cursor.key())
  if (type !== ControlType.COMMIT && type !== ControlType.ABORT) return null
  return { commit: type === ControlType.COMMIT, coordinatorEpoch: coordinatorEpochOf(cursor.value()) }
}
