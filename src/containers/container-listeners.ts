/** Where a client outside finds the first broker, on the ports that the engine has mapped. */
export interface OutsideAddress {
  readonly host: string
  readonly port: number
}

export const CLIENT_PORT = 9092
/** For other containers of the same Docker network, which do not need the mapped port. */
export const NETWORK_PORT = 19_092
export const HTTP_PORT = 9644
/** Their ports come in rows, which must not meet. */
export const MOST_BROKERS = 64

/** What clients outside, and those in the network of the alias, are told. */
export function advertisedListeners({ host, port }: OutsideAddress, networkAlias: string | undefined): string {
  const outside = `PLAINTEXT://${host.includes(':') ? `[${host}]` : host}:${port}`
  return networkAlias === undefined ? outside : `${outside},NETWORK://${networkAlias}:${NETWORK_PORT}`
}

/** The settings that fit advertisedListeners. */
export function listenerEnvironment(networkAlias: string | undefined): Record<string, string> {
  const outside = `PLAINTEXT://0.0.0.0:${CLIENT_PORT}`
  if (networkAlias === undefined) return { KAFKA_LISTENERS: outside }
  return {
    KAFKA_LISTENERS: `${outside},NETWORK://0.0.0.0:${NETWORK_PORT}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,NETWORK:PLAINTEXT',
  }
}

/** `host:port` of all brokers: their ports are a row. */
export function bootstrapServers({ host, port }: OutsideAddress, brokers: number): string {
  return Array.from({ length: brokers }, (_, index) => `${host}:${port + index}`).join(',')
}

/** The variable that an image of Kafka takes for a setting of the broker. */
export function environmentVariable(setting: string): string {
  const escaped = setting.replaceAll(/[._-]/g, (sign) => (sign === '.' ? '_' : sign === '_' ? '__' : '___'))
  return `KAFKA_${escaped.toUpperCase()}`
}
