import type { Broker } from '../broker/broker.ts'

/** A listener as configured: where it is bound and what clients are told to connect to. */
export interface Listener {
  readonly name: string
  /** Null for the host at which a client has reached it. */
  readonly advertisedHost: string | null
  readonly advertisedPort: number
}

/** What the server knows of the peer; shared by all requests of a connection. */
export interface ConnectionInfo {
  /** Unique in the life of the process. */
  readonly id: number
  readonly listener: Listener
  /** The peer's address without a port, as in `127.0.0.1`. */
  readonly clientAddress: string
  /** What this client is told for brokers without a configured host: where it has reached us. */
  readonly advertisedHost: string
  /** `User:ANONYMOUS` where nobody authenticates. */
  readonly principal: string
  /** From ApiVersions v3 and later; empty until then. */
  clientSoftwareName: string
  clientSoftwareVersion: string
  readonly closed: boolean
  /** Runs once when the connection is gone, at once when it already is; for parked requests. Gives a function that forgets it. */
  onClose(callback: () => void): () => void
  /** The next requests of this connection wait for as many calls of `admitRequests`. */
  holdRequests(): void
  admitRequests(): void
}

export interface RequestContext {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** Null when the client sent none. */
  readonly clientId: string | null
  readonly connection: ConnectionInfo
  readonly broker: Broker
}
