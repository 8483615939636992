/** One thing that is not as it should be in a data directory, or worth knowing about it. */
export interface Finding {
  /** note: the next start deals with it, or nothing reads it. */
  readonly level: 'error' | 'note'
  readonly file: string
  /** `position 120, offset 17`; '' for a file as a whole. */
  readonly place: string
  readonly problem: string
  /** What it means to whoever reads or writes. */
  readonly meaning: string
  /** What a person can do. */
  readonly remedy: string
}

export type ReportFinding = (finding: Finding) => void

/** One line. */
export function formatFinding({ level, file, place, problem, meaning, remedy }: Finding): string {
  const where = place === '' ? file : `${file} at ${place}`
  const sentences = [problem, meaning, remedy].filter((sentence) => sentence !== '')
  return `${level}: ${where}: ${sentences.join('. ')}`
}

/** `offset 7`, `offsets 7 to 9`. */
export function offsetRange(first: number, end: number): string {
  return end - first <= 1 ? `offset ${first}` : `offsets ${first} to ${end - 1}`
}

/** `Offset 7 is`, `Offsets 7 to 9 are`. */
export function lostText(first: number, end: number): string {
  const range = offsetRange(first, end)
  return `${range.charAt(0).toUpperCase()}${range.slice(1)} ${end - first === 1 ? 'is' : 'are'}`
}

export const RESTORE = 'Restore the file from a backup'
export const REBUILT = 'Delete the file while the broker is stopped: it is made again from the log'
export const NOTHING_TO_DO = 'Nothing needs to be done'
