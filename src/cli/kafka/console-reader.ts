import { ToolFailure } from './tool-failure.ts'

/** How a line of text becomes a record: the properties of Kafka's LineMessageReader. */
export interface LineFormat {
  readonly parseKey: boolean
  readonly keySeparator: string
  readonly parseHeaders: boolean
  readonly headersDelimiter: string
  readonly headersSeparator: string
  readonly headersKeySeparator: string
  /** What is not in a line is left out, instead of an error. */
  readonly ignoreError: boolean
  /** What stands for null; nothing does without it. */
  readonly nullMarker: string | null
}

export interface LineRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: { key: string; value: Buffer | null }[]
}

/** Throws ToolFailure for separators that cannot be told apart. */
export function lineFormat(properties: ReadonlyMap<string, string>): LineFormat {
  const flag = (name: string) => properties.get(name)?.trim().toLowerCase() === 'true'
  const format: LineFormat = {
    parseKey: flag('parse.key'),
    keySeparator: properties.get('key.separator') ?? '\t',
    parseHeaders: flag('parse.headers'),
    headersDelimiter: properties.get('headers.delimiter') ?? '\t',
    headersSeparator: properties.get('headers.separator') ?? ',',
    headersKeySeparator: properties.get('headers.key.separator') ?? ':',
    ignoreError: flag('ignore.error'),
    nullMarker: properties.get('null.marker') ?? null,
  }
  if (format.headersDelimiter === format.headersSeparator) {
    throw new ToolFailure('headers.delimiter and headers.separator may not be equal', KAFKA_EXCEPTION)
  }
  if (format.headersSeparator === format.headersKeySeparator) {
    throw new ToolFailure('headers.separator and headers.key.separator may not be equal', KAFKA_EXCEPTION)
  }
  const markers = [format.keySeparator, format.headersSeparator, format.headersDelimiter, format.headersKeySeparator]
  if (format.nullMarker !== null && markers.includes(format.nullMarker)) {
    throw new ToolFailure('null.marker may not be equal to a separator or delimiter', KAFKA_EXCEPTION)
  }
  return format
}

const KAFKA_EXCEPTION = 'org.apache.kafka.common.KafkaException'

/** Headers, key and value in this order, as far as they are asked for. Throws ToolFailure with the line's number. */
export function recordFromLine(line: string, lineNumber: number, format: LineFormat): LineRecord {
  const take = (rest: string, wanted: boolean, separator: string, what: string): [string | null, string] => {
    if (!wanted) return [null, rest]
    const at = rest.indexOf(separator)
    if (at >= 0) return [rest.slice(0, at), rest.slice(at + separator.length)]
    if (format.ignoreError) return [null, rest]
    throw new ToolFailure(`No ${what} found on line number ${lineNumber}: '${line}'`, KAFKA_EXCEPTION)
  }
  const [headers, afterHeaders] = take(line, format.parseHeaders, format.headersDelimiter, 'headers delimiter')
  const [key, value] = take(afterHeaders, format.parseKey, format.keySeparator, 'key separator')
  const bytes = (text: string | null) => (text === null || text === format.nullMarker ? null : Buffer.from(text))
  return {
    key: bytes(key),
    value: bytes(value),
    headers: headers === null || headers === format.nullMarker ? [] : headersFrom(headers, lineNumber, format, bytes),
  }
}

function headersFrom(
  text: string,
  lineNumber: number,
  format: LineFormat,
  bytes: (text: string) => Buffer | null,
): LineRecord['headers'] {
  return text.split(format.headersSeparator).map((pair) => {
    const at = pair.indexOf(format.headersKeySeparator)
    if (at >= 0) {
      const key = pair.slice(0, at)
      if (key === format.nullMarker) {
        throw new ToolFailure(`Header keys should not be equal to the null marker '${key}'`, KAFKA_EXCEPTION)
      }
      return { key, value: bytes(pair.slice(at + format.headersKeySeparator.length)) }
    }
    if (format.ignoreError) return { key: pair, value: null }
    throw new ToolFailure(
      `No header key separator found in pair '${pair}' on line number ${lineNumber}`,
      KAFKA_EXCEPTION,
    )
  })
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** Lines of a stream of bytes, as many as came together; the last one without a line feed too. */
export async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string[], void, undefined> {
  let pending: Buffer[] = []
  for await (const chunk of input) {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(textOf([...pending, chunk.subarray(start, end)]))
      pending = []
      start = end + 1
    }
    if (start < chunk.length) pending.push(chunk.subarray(start))
    if (lines.length > 0) yield lines
  }
  if (pending.length > 0) yield [textOf(pending)]
}

function textOf(parts: readonly Buffer[]): string {
  const line = Buffer.concat(parts)
  return line.toString('utf8', 0, line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length)
}
