/** Where the HTTP side listens. */
export interface HttpListener {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

export const HTTP_LISTENER_RANGE = '[HOST:]PORT, a port from 0 to 65535'
const LOOPBACK = '127.0.0.1'

/** `9644`, `:9644`, `127.0.0.1:9644`, `[::1]:9644`; null for a text that is none of these. */
export function parseHttpListener(text: string): HttpListener | null {
  const match = /^(?:(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]\s]*)):)?(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port > 65535) return null
  return { host: match[1] || match[2] || LOOPBACK, port }
}

/** For the table of settings: what is wrong with a text, or null. */
export function httpListenerProblem(text: string): string | null {
  return parseHttpListener(text) === null ? `Expected ${HTTP_LISTENER_RANGE}` : null
}
