/**
 * Loaded into the broker before its own code: answers what only the process itself can tell. Each message asks for the
 * state as of now and begins a new measurement of the event loop.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface ProbeAnswer {
  /** After a collection. */
  readonly heapBytes: number
  /** Outside the heap, for buffers. */
  readonly bufferBytes: number
  readonly rssBytes: number
  /** The longest time for which the event loop did not come round since the last message. */
  readonly worstDelayMs: number
}

/** The sampler's own period, which is no delay. */
const RESOLUTION_MS = 1

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
process.on('message', () => {
  const worstDelayMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS)
  global.gc?.()
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  const answer: ProbeAnswer = { heapBytes: heapUsed, bufferBytes: arrayBuffers, rssBytes: rss, worstDelayMs }
  process.send?.(answer)
  delay.reset()
})
