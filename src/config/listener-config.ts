import { splitList } from './config-definition.ts'
import { ConfigError } from './config-error.ts'

export interface ListenerConfig {
  /** Upper case, as in `PLAINTEXT`. */
  readonly name: string
  /** Where it is bound; null for every interface. */
  readonly host: string | null
  /** 0 for any free port. */
  readonly port: number
  /** What clients are told; null for the address they have already reached. */
  readonly advertisedHost: string | null
  /** Null for the port it is bound to. */
  readonly advertisedPort: number | null
  readonly securityProtocol: SecurityProtocol
}

export type SecurityProtocol = 'PLAINTEXT'

export interface ListenerTexts {
  readonly listeners: readonly string[]
  readonly advertised: readonly string[] | null
  readonly protocolMap: string
  readonly controllerNames: readonly string[]
}

interface Endpoint {
  readonly name: string
  readonly host: string | null
  readonly port: number
}

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const ANY_ADDRESS = new Set(['0.0.0.0', '::'])

/** The listeners that clients use; those of controllers are left out. */
export function parseListeners(texts: ListenerTexts): ListenerConfig[] {
  const protocols = parseProtocolMap(texts.protocolMap)
  const controllers = new Set(texts.controllerNames.map((name) => name.trim().toUpperCase()))
  const bound = parseEndpoints('listeners', texts.listeners).filter(({ name }) => !controllers.has(name))
  const advertised = texts.advertised === null ? [] : parseEndpoints('advertised.listeners', texts.advertised)
  if (bound.length === 0) throw new ConfigError('listeners', 'listeners: there is none that clients could use')
  refuseSharedPorts(bound)
  for (const { name, host } of advertised) {
    if (controllers.has(name)) continue
    if (host !== null && ANY_ADDRESS.has(host)) {
      const hint = 'clients would connect to themselves; give a name or address at which they reach this broker'
      throw new ConfigError('advertised.listeners', `advertised.listeners: ${host} in ${name}: ${hint}`)
    }
    if (!bound.some((listener) => listener.name === name)) {
      throw new ConfigError('advertised.listeners', `advertised.listeners: ${name} is not among listeners`)
    }
  }
  return bound.map((listener) => {
    const told = advertised.find(({ name }) => name === listener.name)
    return {
      ...listener,
      host: listener.host !== null && ANY_ADDRESS.has(listener.host) ? null : listener.host,
      advertisedHost: told?.host ?? (ANY_ADDRESS.has(listener.host ?? '') ? null : listener.host),
      advertisedPort: told?.port ?? null,
      securityProtocol: protocolOf(listener.name, protocols),
    }
  })
}

function parseEndpoints(setting: string, items: readonly string[]): Endpoint[] {
  const endpoints: Endpoint[] = []
  for (const item of items) {
    if (item.trim() === '') continue
    const match = /^([^:/]+):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]*)):(\d{1,5})$/.exec(item.trim())
    const port = Number(match?.[4])
    if (match === null || port > 65535) {
      throw new ConfigError(setting, `${setting}: ${item} is not of the form NAME://host:port`)
    }
    const name = match[1]!.toUpperCase()
    if (endpoints.some((endpoint) => endpoint.name === name)) {
      throw new ConfigError(setting, `${setting}: ${name} is given twice`)
    }
    endpoints.push({ name, host: match[2] || match[3] || null, port })
  }
  return endpoints
}

function refuseSharedPorts(endpoints: readonly Endpoint[]): void {
  for (const [index, { host, port, name }] of endpoints.entries()) {
    const other = endpoints.slice(0, index).find((before) => port !== 0 && before.port === port && before.host === host)
    if (other) throw new ConfigError('listeners', `listeners: ${other.name} and ${name} have the same port ${port}`)
  }
}

function parseProtocolMap(text: string): Map<string, string> {
  const setting = 'listener.security.protocol.map'
  const protocols = new Map<string, string>()
  for (const item of splitList(text)) {
    if (item === '') continue
    const [name, protocol, more] = item.split(':').map((part) => part.trim().toUpperCase())
    if (!name || !protocol || more !== undefined || !PROTOCOLS.includes(protocol)) {
      throw new ConfigError(
        setting,
        `${setting}: ${item} is not of the form NAME:PROTOCOL with ${PROTOCOLS.join(', ')}`,
      )
    }
    protocols.set(name, protocol)
  }
  return protocols
}

function protocolOf(name: string, protocols: ReadonlyMap<string, string>): SecurityProtocol {
  const setting = 'listener.security.protocol.map'
  const protocol = protocols.get(name)
  if (protocol === undefined) throw new ConfigError(setting, `${setting}: no security protocol for listener ${name}`)
  if (protocol === 'PLAINTEXT') return protocol
  throw new ConfigError(setting, `${setting}: ${protocol} of listener ${name} is not built yet, only PLAINTEXT is`)
}
