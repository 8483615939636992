import { type Address, formatAddress } from '../../client/address.ts'

/** One thing that was looked at, in the order in which a client meets them. */
export interface Check {
  readonly step: 'name' | 'connection' | 'protocol' | 'cluster' | 'broker' | 'topics'
  /** Which of the brokers of the cluster, where it is about one of them. */
  readonly brokerId?: number
  readonly ok: boolean
  readonly text: string
}

export interface Diagnosis {
  readonly address: string
  readonly ok: boolean
  readonly checks: readonly Check[]
  /** What to set or do, in the order of importance. */
  readonly advice: readonly string[]
}

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1)$/
const ANY = /^(?:0\.0\.0\.0|::)$/

export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address)
}

export function isAnyAddress(host: string): boolean {
  return ANY.test(host)
}

/** The setting that makes a broker advertise what was typed here. */
export function adviceToAdvertise(address: Address, brokerId: number, ofSeveral: boolean): string {
  const setting = `KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://${formatAddress(address)}`
  const where = ofSeveral ? `on broker ${brokerId}, with the port that leads to it: ` : ''
  return `Set ${where}${setting} (advertised.listeners in a properties file). Odradek needs no such setting: without one it advertises the address at which a client has reached it.`
}

export function adviceForUnreachable(address: Address, code: string | undefined): string[] {
  const where = formatAddress(address)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return [
      `Use a name or an address that this machine can resolve instead of ${address.host}. Names of containers are known to the containers of their network alone: from the host it is localhost and the published port.`,
    ]
  }
  if (code === 'ECONNREFUSED') {
    return [
      `Start the broker, or look at its port: nothing listens on ${where}. In a container the port has to be published (docker run -p ${address.port}:${address.port}), and from inside of a container localhost is that container and not the host.`,
    ]
  }
  return [`Let ${where} through: a firewall, a security group or a missing route keeps this machine from it.`]
}

export const ADVICE_TLS =
  'This is a listener for TLS. Give the port of a plaintext listener, or let the clients use TLS (security.protocol=SSL or SASL_SSL; ssl: true in Node clients). This command speaks plaintext alone.'
export const ADVICE_HTTP =
  'This is the port of an HTTP server: a web console, a REST proxy or a schema registry. Give the port of a Kafka listener.'
export const ADVICE_SILENT =
  'Something accepts connections there and does not speak Kafka. Behind a published port of Docker that is a container in which nothing listens yet, or on 127.0.0.1 alone: let the broker listen on 0.0.0.0. It may also be a proxy whose target is gone, or a listener that wants TLS or SASL first.'
