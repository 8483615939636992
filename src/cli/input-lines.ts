import { CommandError } from './command-error.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const MAX_LINE_BYTES = 256 * 1024 * 1024

/** The lines of a stream, as many at a time as came together; the last one needs no line end. */
export async function* inputLines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer[], void, undefined> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const chunk of input) {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(withoutReturn(Buffer.concat([...rest, chunk.subarray(start, end)])))
      rest = []
      restBytes = 0
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
    restBytes += chunk.length - start
    if (restBytes > MAX_LINE_BYTES) throw new CommandError(`a line is longer than ${MAX_LINE_BYTES} bytes`)
    if (lines.length > 0) yield lines
  }
  if (restBytes > 0) yield [withoutReturn(Buffer.concat(rest))]
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
}
