/** How much of a disk: so many bytes of segments, or a share of the file system, which others fill as well. */
export type DiskMark =
  | { readonly unit: 'bytes'; readonly bytes: number }
  | { readonly unit: 'percent'; readonly percent: number }

/** What the words stand for that are no amount. */
export const NO_MARK = 'off'
export const DERIVED_MARK = 'auto'

/** Of the high mark, where nothing says how far below it the low one is. */
const LOW_SHARE = 0.95

export const DISK_MARK_RANGE = 'bytes from 1048576, or a percentage of the file system from 1% to 99%'

const MIN_BYTES = 1024 * 1024

export interface DiskMarks {
  readonly high: DiskMark
  readonly low: DiskMark
}

/** Null for anything but an amount within the range. */
export function parseDiskMark(text: string): DiskMark | null {
  if (/^\d{1,2}(?:\.\d{1,3})?%$/.test(text)) {
    const percent = Number(text.slice(0, -1))
    return percent >= 1 && percent <= 99 ? { unit: 'percent', percent } : null
  }
  if (!/^\d{1,15}$/.test(text)) return null
  const bytes = Number(text)
  return bytes >= MIN_BYTES ? { unit: 'bytes', bytes } : null
}

/** Why a text is neither an amount nor the word, or null. */
export function diskMarkProblem(word: string): (text: string) => string | null {
  return (text) => (text === word || parseDiskMark(text) !== null ? null : `Must be ${word}, ${DISK_MARK_RANGE}`)
}

/** The two marks of odradek.disk.budget.high and .low; null where there is no budget. */
export function diskMarks(high: string, low: string): DiskMarks | null {
  const upper = parseDiskMark(high)
  if (upper === null) return null
  return { high: upper, low: parseDiskMark(low) ?? derivedLowMark(upper) }
}

export function lowBytesOf(highBytes: number): number {
  return Math.floor(highBytes * LOW_SHARE)
}

/** What keeps the two settings from working together, or null. */
export function diskMarksProblem(high: string, low: string): string | null {
  const marks = diskMarks(high, low)
  if (marks === null) return null
  if (amountOf(marks.low) < amountOf(marks.high) && marks.low.unit === marks.high.unit) return null
  if (marks.low.unit !== marks.high.unit) {
    return `odradek.disk.budget.low (${low}) and odradek.disk.budget.high (${high}) must both be bytes or both be percentages`
  }
  return `odradek.disk.budget.low (${low}) must be less than odradek.disk.budget.high (${high})`
}

function derivedLowMark(high: DiskMark): DiskMark {
  if (high.unit === 'bytes') return { unit: 'bytes', bytes: lowBytesOf(high.bytes) }
  return { unit: 'percent', percent: high.percent * LOW_SHARE }
}

function amountOf(mark: DiskMark): number {
  return mark.unit === 'bytes' ? mark.bytes : mark.percent
}
