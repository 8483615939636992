import type { KafkaClient } from '../client/kafka-client.ts'
import type { Isolation } from '../client/list-offsets.ts'
import { UsageError } from './usage-error.ts'

/** A place in a log, as people say it. */
export type LogPosition =
  | { readonly kind: 'earliest' | 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  /** So many offsets before the end. */
  | { readonly kind: 'last'; readonly count: number }

export const POSITION_HELP =
  'beginning (earliest), end (latest), an OFFSET, a time (2026-01-31T12:00, or @ and milliseconds), or -N for the last N of each partition'

const WORDS: Readonly<Record<string, 'earliest' | 'latest'>> = {
  earliest: 'earliest',
  beginning: 'earliest',
  latest: 'latest',
  end: 'latest',
}
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?$/

/** Throws UsageError. A date without a time is midnight here; one without a zone is local time. */
export function parsePosition(option: string, text: string): LogPosition {
  if (Object.hasOwn(WORDS, text)) return { kind: WORDS[text]! }
  if (/^\d{1,15}$/.test(text)) return { kind: 'offset', offset: Number(text) }
  if (/^-\d{1,15}$/.test(text)) return { kind: 'last', count: -Number(text) }
  if (/^@\d{1,15}$/.test(text)) return { kind: 'time', timestampMs: Number(text.slice(1)) }
  const time = DATE.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : Number.NaN
  if (!Number.isNaN(time)) return { kind: 'time', timestampMs: time }
  throw new UsageError(`--${option} ${text}: give ${POSITION_HELP}`)
}

export interface PlacedPartition {
  readonly partition: number
  readonly offset: number
  readonly start: number
  readonly end: number
}

/** Where that is in each partition, between its start and its end. */
export async function placeIn(
  client: KafkaClient,
  topic: string,
  partitions: readonly number[],
  position: LogPosition,
  isolation: Isolation = 'read_uncommitted',
): Promise<PlacedPartition[]> {
  const times = ['earliest', 'latest', ...(position.kind === 'time' ? [position.timestampMs] : [])] as const
  const queries = times.flatMap((at) => partitions.map((partition) => ({ topic, partition, at })))
  const found = await client.offsets(queries, { isolation })
  return partitions.map((partition, at) => {
    const start = found[at]!.offset
    const end = found[partitions.length + at]!.offset
    const timed = found[2 * partitions.length + at]?.offset
    return { partition, start, end, offset: placeBetween(position, start, end, timed) }
  })
}

function placeBetween(position: LogPosition, start: number, end: number, timed: number | undefined): number {
  switch (position.kind) {
    case 'earliest':
      return start
    case 'latest':
      return end
    case 'offset':
      return Math.min(Math.max(position.offset, start), end)
    case 'last':
      return Math.max(start, end - position.count)
    case 'time':
      // Nothing so late: what comes next is later.
      return timed === undefined || timed < 0 ? end : timed
  }
}
