import { type Address, formatAddress } from './address.ts'
import { BrokerConnection, type ConnectionOptions } from './broker-connection.ts'
import { ClientError } from './client-error.ts'

/**
 * Connections that are kept, one for each address and channel. A channel is a connection of its own for requests that
 * the broker answers late, behind which others would wait: fetches, and the joining of a group.
 */
export class ConnectionPool {
  readonly #options: Omit<ConnectionOptions, 'timeoutMs'>
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  #closed = false

  constructor(options: Omit<ConnectionOptions, 'timeoutMs'>) {
    this.#options = options
  }

  /** One that is open, or a new one. Throws ClientError that names the address. */
  async connectionTo(address: Address, timeoutMs: number, channel = ''): Promise<BrokerConnection> {
    if (this.#closed) throw new ClientError('closed', 'the client is closed')
    const key = `${formatAddress(address)} ${channel}`
    for (let kept = this.#connections.get(key); kept !== undefined; kept = this.#connections.get(key)) {
      const connection = await kept.catch(() => null)
      if (connection?.isOpen) return connection
      // Somebody else may have begun a new one meanwhile.
      if (this.#connections.get(key) === kept) this.#connections.delete(key)
    }
    return this.#open(key, address, timeoutMs)
  }

  async #open(key: string, address: Address, timeoutMs: number): Promise<BrokerConnection> {
    const opening = BrokerConnection.open(address, { ...this.#options, timeoutMs })
    this.#connections.set(key, opening)
    try {
      const connection = await opening
      if (!this.#closed) return connection
      await connection.close()
    } catch (error) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
      if (!(error instanceof ClientError)) throw error
      throw new ClientError(error.kind, `${formatAddress(address)}: ${error.message}`, {
        cause: error,
        ...(error.errorCode === null ? {} : { errorCode: error.errorCode }),
      })
    }
    throw new ClientError('closed', 'the client is closed')
  }

  /** Any that is open. */
  async anyOpen(): Promise<BrokerConnection | null> {
    for (const [key, opening] of this.#connections) {
      if (!key.endsWith(' ')) continue
      const connection = await opening.catch(() => null)
      if (connection?.isOpen) return connection
    }
    return null
  }

  async close(): Promise<void> {
    this.#closed = true
    const all = [...this.#connections.values()]
    this.#connections.clear()
    await Promise.all(all.map(async (opening) => (await opening.catch(() => null))?.close()))
  }
}
