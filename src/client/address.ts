import { ClientError } from './client-error.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

const DEFAULT_PORT = 9092

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * `HOST:PORT` or `[IPV6]:PORT`, also behind a security protocol as in listeners (`PLAINTEXT://`); without a port it is
 * 9092. Null for anything else.
 */
export function parseAddress(text: string): Address | null {
  const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([\da-fA-F:.%\w]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text.trim())
  if (match === null) return null
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3])
  return port >= 1 && port <= 65535 ? { host: match[1] ?? match[2]!, port } : null
}

/** A comma-separated list. Throws ClientError that names the part nobody understands. */
export function parseBootstrapServers(text: string): Address[] {
  const parts = text.split(',').filter((part) => part.trim() !== '')
  if (parts.length === 0) throw new ClientError('unreachable', 'no bootstrap server is given: say HOST:PORT')
  return parts.map((part) => {
    const address = parseAddress(part)
    if (address !== null) return address
    throw new ClientError('unreachable', `'${part.trim()}' is no bootstrap server: say HOST:PORT, as in localhost:9092`)
  })
}
