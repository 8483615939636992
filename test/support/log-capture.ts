import { type Logger, pino } from 'pino'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface LogCapture {
  readonly logger: Logger
  readonly lines: readonly LogLine[]
  /** Lines of level warn and above. */
  readonly warnings: readonly LogLine[]
}

const WARN = 40

/** A logger whose lines a test can read. */
export function captureLog(): LogCapture {
  const lines: LogLine[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return {
    logger,
    lines,
    get warnings() {
      return lines.filter(({ level }) => level >= WARN)
    },
  }
}
