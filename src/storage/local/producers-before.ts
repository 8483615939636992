import { readEndMarker } from './end-marker.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'
import { scanBatches } from './segment-scanner.ts'

/**
 * The producers where a segment begins: from the newest snapshot before it, or from as far back as the log goes. Its
 * transaction index cannot be made without them.
 */
export async function producersBefore(
  segment: LogSegment,
  context: LogContext,
  segments: readonly LogSegment[],
  snapshots: ProducerSnapshots,
): Promise<ProducerState> {
  const { files, readBuffers, clock } = context
  const snapshot = snapshots.upTo(segment.baseOffset)
  const producers = snapshot?.producers ?? new ProducerState()
  const from = snapshot?.offset ?? 0
  for (const [index, earlier] of segments.entries()) {
    if (earlier === segment) break
    if (earlier.sizeBytes === 0 || segments[index + 1]!.baseOffset <= from) continue
    const open = earlier.acquireLog(files)
    const range = {
      fromPosition: 0,
      endPosition: earlier.sizeBytes,
      leastOffset: earlier.baseOffset,
      checkCrcFrom: Number.POSITIVE_INFINITY,
    }
    try {
      await scanBatches(open.file, readBuffers, range, (header, buffer, at) => {
        if (header.producerId >= 0 && header.baseOffset >= from)
          producers.apply(header, readEndMarker(buffer, at, header), clock.nowMs())
        return true
      })
    } finally {
      files.release(open)
    }
  }
  return producers
}
