import { ToolFailure } from './tool-failure.ts'

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/

/** `2026-11-21T18:00:00.000`, with or without a zone; in UTC without one. Milliseconds since the epoch. */
export function parseDateTime(text: string): number {
  if (!text.includes('T')) {
    const reason = "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format"
    throw new ToolFailure(`java.text.ParseException: ${reason}`, 'java.lang.RuntimeException')
  }
  const match = DATE_TIME.exec(text)
  const zone = match?.[2] ?? 'Z'
  const bare = match?.[2] === undefined ? text : text.slice(0, -zone.length)
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const timeMs = match === null ? Number.NaN : Date.parse(`${bare}${offset}`)
  if (Number.isFinite(timeMs)) return timeMs
  throw new ToolFailure(`java.text.ParseException: Unparseable date: "${text}"`, 'java.lang.RuntimeException')
}

const DURATION = /^([+-]?)P(?:([+-]?\d+)D)?(?:T(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+(?:\.\d{0,9})?)S)?)?$/i

/** `P1DT2H30M`, as ISO 8601 writes durations and Java reads them. Milliseconds. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text)
  const parts = match?.slice(2) ?? []
  if (match === null || parts.every((part) => part === undefined) || /T$/i.test(text)) {
    throw new ToolFailure('Text cannot be parsed to a Duration', 'java.time.format.DateTimeParseException')
  }
  const [days, hours, minutes, seconds] = parts.map((part) => Number(part ?? 0))
  const totalMs = (((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1000
  return match[1] === '-' ? -totalMs : totalMs
}
