import type { ConsumedRecord } from '../client/fetched-records.ts'
import { UsageError } from './usage-error.ts'

export type RecordFormat = (record: ConsumedRecord) => Buffer

export const FORMAT_HELP =
  '%k key, %s value, %t topic, %p partition, %o offset, %T timestamp, %h headers, %% per cent; \\n, \\t and \\\\ as elsewhere'

type Part = (record: ConsumedRecord) => Buffer | string

const NULL = 'null'

const PARTS: Readonly<Record<string, Part>> = {
  '%k': ({ key }) => key ?? NULL,
  '%s': ({ value }) => value ?? NULL,
  '%t': ({ topic }) => topic,
  '%p': ({ partition }) => String(partition),
  '%o': ({ offset }) => String(offset),
  '%T': ({ timestamp }) => String(timestamp),
  '%h': ({ headers }) => headers.map(({ key, value }) => `${key}=${value ?? NULL}`).join(','),
  '%%': () => '%',
  '\\n': () => '\n',
  '\\t': () => '\t',
  '\\\\': () => '\\',
}

/** The value and a line end. */
export const valueLine: RecordFormat = parseFormat('%s\\n')

/** With the letters of kcat. Throws UsageError for others. */
export function parseFormat(text: string): RecordFormat {
  const parts = [...text.matchAll(/[%\\].?|[^%\\]+/gs)].map(([token]): Part => {
    if (!/^[%\\]/.test(token)) return () => token
    const part = Object.hasOwn(PARTS, token) ? PARTS[token] : undefined
    if (part === undefined) throw new UsageError(`--format: ${token} means nothing; there are ${FORMAT_HELP}`)
    return part
  })
  return (record) =>
    Buffer.concat(
      parts.map((part) => {
        const piece = part(record)
        return typeof piece === 'string' ? Buffer.from(piece) : piece
      }),
    )
}
