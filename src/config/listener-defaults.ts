import { splitList } from './config-definition.ts'
import type { ConfigTexts } from './topic-config.ts'

const PROTOCOL_NAMES = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
/** Settings of Kafka before 3.0, which wurstmeister/kafka and its heirs still give. */
const OLD_SETTINGS = ['host.name', 'port', 'advertised.host.name', 'advertised.port']
const LISTENERS = 'listeners'
const ADVERTISED = 'advertised.listeners'
const PROTOCOL_MAP = 'listener.security.protocol.map'
const DEFAULT_PORT = '9092'
/** What wurstmeister/kafka puts the output of a command in place of. */
const COMMAND_OUTPUT = /_\{\w+\}/

/**
 * Completes what the settings of listeners leave out, as the images of Kafka do: listeners from advertised.listeners,
 * a protocol for each name, and the settings that came before them. Everything here is text; whether it is right is for
 * who reads it.
 */
export function withListenerDefaults(given: ConfigTexts): ConfigTexts {
  const texts = new Map(given)
  replaceOldSettings(texts)
  dropCommandOutputs(texts)
  const advertised = texts.get(ADVERTISED)
  if (advertised !== undefined && !texts.has(LISTENERS)) texts.set(LISTENERS, everywhere(advertised))
  completeProtocolMap(texts)
  return texts
}

function replaceOldSettings(texts: Map<string, string>): void {
  const [host, port, advertisedHost, advertisedPort] = OLD_SETTINGS.map((name) => texts.get(name)?.trim())
  for (const name of OLD_SETTINGS) texts.delete(name)
  if ((host || port) && !texts.has(LISTENERS)) texts.set(LISTENERS, `PLAINTEXT://${host ?? ''}:${port ?? DEFAULT_PORT}`)
  if ((!advertisedHost && !advertisedPort) || texts.has(ADVERTISED)) return
  const [name, boundPort] = firstListener(texts)
  // Bound as before: what others reach is another address or port of a machine in front.
  if (!texts.has(LISTENERS)) texts.set(LISTENERS, `${name}://:${boundPort}`)
  texts.set(ADVERTISED, `${name}://${advertisedHost ?? ''}:${advertisedPort ?? boundPort}`)
}

function firstListener(texts: ConfigTexts): [name: string, port: string] {
  const controllers = splitList(texts.get('controller.listener.names') ?? 'CONTROLLER')
  for (const item of splitList(texts.get(LISTENERS) ?? '')) {
    const [, name, port] = /^([^:/]+):\/\/.*:(\d+)$/.exec(item) ?? []
    if (name !== undefined && !controllers.includes(name)) return [name, port!]
  }
  return ['PLAINTEXT', DEFAULT_PORT]
}

/** Without it the listener tells each client the address that it has reached, which is what the command is to find. */
function dropCommandOutputs(texts: Map<string, string>): void {
  const advertised = texts.get(ADVERTISED)
  if (advertised === undefined || !COMMAND_OUTPUT.test(advertised)) return
  const items = splitList(advertised)
  if (!texts.has(LISTENERS)) {
    texts.set(LISTENERS, everywhere(items.map((item) => item.replace(/:_\{\w+\}$/, `:${DEFAULT_PORT}`)).join(',')))
  }
  const known = items.filter((item) => item !== '' && !COMMAND_OUTPUT.test(item))
  if (known.length > 0) texts.set(ADVERTISED, known.join(','))
  else texts.delete(ADVERTISED)
}

/** The same names and ports on every interface, since an advertised host is one that others resolve. */
function everywhere(advertised: string): string {
  return splitList(advertised)
    .map((item) => item.replace(/^([^:/]+):\/\/.*:(\d+)$/, '$1://0.0.0.0:$2'))
    .join(',')
}

/**
 * A name that no map knows is a plain listener, unless it sounds like one with passwords or encryption: to guess there
 * would open what somebody wanted closed.
 */
function completeProtocolMap(texts: Map<string, string>): void {
  const given = texts.get(PROTOCOL_MAP)
  // The default map holds the four protocols themselves.
  const base = given ?? PROTOCOL_NAMES.map((name) => `${name}:${name}`).join(',')
  const mapped = new Set(splitList(base).map((item) => item.split(':')[0]!.trim().toUpperCase()))
  const controllers = splitList(texts.get('controller.listener.names') ?? '')
  const names = splitList([texts.get(LISTENERS) ?? '', ...controllers.map((name) => `${name}://`)].join(','))
    .map((item) => /^([^:/]+):\/\//.exec(item)?.[1]?.toUpperCase())
    .filter((name) => name !== undefined)
  const added = [...new Set(names)].flatMap((name) => {
    if (mapped.has(name)) return []
    if (PROTOCOL_NAMES.includes(name)) return [`${name}:${name}`]
    return /SSL|SASL|TLS/.test(name) ? [] : [`${name}:PLAINTEXT`]
  })
  if (added.length === 0) return
  texts.set(PROTOCOL_MAP, [...splitList(base).filter((item) => item !== ''), ...added].join(','))
}
