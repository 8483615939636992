const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** Reads a Java .properties file: comments, continued lines, escapes, `=`, `:` or blanks after the name. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const end = nameEnd(line)
    const rest = line.slice(end)
    const value = /^[ \t\f]*(?:[=:][ \t\f]*)?/.exec(rest)![0].length
    properties.set(unescaped(line.slice(0, end)), unescaped(rest.slice(value)))
  }
  return properties
}

/** Lines with their continuations, without comments and empty ones. */
function logicalLines(text: string): string[] {
  const lines: string[] = []
  let pending: string | null = null
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line: string = raw.replace(/^[ \t\f]+/, '')
    if (pending === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const joined: string = (pending ?? '') + line
    if (endsInBackslash(line)) {
      pending = joined.slice(0, -1)
      continue
    }
    lines.push(joined)
    pending = null
  }
  if (pending) lines.push(pending)
  return lines
}

function endsInBackslash(line: string): boolean {
  return /\\*$/.exec(line)![0].length % 2 === 1
}

/** Where the name ends: at the first separator that is not escaped. */
function nameEnd(line: string): number {
  let at = 0
  while (at < line.length && !/[=: \t\f]/.test(line[at]!)) at += line[at] === '\\' ? 2 : 1
  return Math.min(at, line.length)
}

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, code: string | undefined, letter: string | undefined) =>
    code === undefined ? (ESCAPES[letter!] ?? letter!) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
