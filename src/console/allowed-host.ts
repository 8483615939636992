const ANY_ADDRESS = new Set(['0.0.0.0', '::'])
const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/
/** Of a Host header, or of an Origin behind its scheme. */
const AUTHORITY = /^(?:\[([0-9a-f:.%]+)\]|([^:/[\]]+))(?::\d{1,5})?$/

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (IPV4.test(host) && host.startsWith('127.'))
}

/**
 * Whether a request that names this host is meant for us. A web page anywhere can point a name of its own at 127.0.0.1
 * and have a browser on this machine ask it (DNS rebinding); it cannot do so with an address, nor with our name.
 */
export function isAllowedHost(header: string, boundHosts: readonly string[]): boolean {
  const host = hostOf(header)
  if (host === null) return false
  if (isLoopback(host) || boundHosts.includes(host)) return true
  const isAddress = IPV4.test(host) || host.includes(':')
  return isAddress && boundHosts.some((bound) => ANY_ADDRESS.has(bound))
}

/** Browsers say from which page a request comes unless it only reads; other clients say nothing. */
export function isAllowedOrigin(origin: string, host: string): boolean {
  return origin === '' || origin.toLowerCase() === `http://${host.toLowerCase()}`
}

function hostOf(header: string): string | null {
  const match = AUTHORITY.exec(header.toLowerCase())
  return match === null ? null : (match[1] ?? match[2]!)
}
