import type { NetworkSurroundings } from './network-surroundings.ts'

/**
 * The network as the broker sees it. Implementations: node-transport.ts (TCP) and simulated-transport.ts (in memory,
 * replayed from a seed).
 */
export interface Transport {
  readonly surroundings: NetworkSurroundings
  /**
   * Binds and accepts from now on. Fails as Node does (`error.code`: EADDRINUSE, EACCES, EADDRNOTAVAIL …). What fails
   * later goes to `onError`, and accepting goes on.
   */
  listen(options: ListenOptions, onSocket: (socket: Socket) => void, onError: (error: Error) => void): Promise<Binding>
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Connections the operating system holds until they are accepted. */
  readonly backlog: number
}

export interface Binding {
  readonly host: string
  readonly port: number
  /** Stops accepting at once. Accepted sockets live on. */
  close(): void
}

/**
 * One connection. Nothing is read before `open`; what the operating system refuses is told by onClosed and never
 * thrown.
 */
export interface Socket {
  /** Without a port, as in `127.0.0.1`; IPv4 also where it arrived on an IPv6 socket. */
  readonly remoteAddress: string
  /** Ours, at which the peer has reached us; in the same form. */
  readonly localAddress: string
  readonly remotePort: number
  open(handler: SocketHandler): void
  /** No onData until `resume`, so that the peer's writes come to a halt. */
  pause(): void
  resume(): void
  /**
   * Sends the chunks, in one system call where possible; they must not change until `onWritten`, which runs exactly
   * once and never before this returns: when the operating system has taken the bytes, or when they are given up.
   */
  write(chunks: readonly Buffer[], onWritten: () => void): void
  /** Sends what was written and then the end of the stream. Reading goes on. */
  end(): void
  /** Closes now; what is not yet sent is lost. */
  destroy(): void
}

export interface SocketHandler {
  /**
   * `lent`: the memory is used again once this returns, copy what is kept. Otherwise views may be kept for ever.
   * Memory that `readInto` gave comes back as the front part of it, never lent.
   */
  onData(chunk: Buffer, lent: boolean): void
  /** Where the next bytes should be read to; null: wherever. Sockets are free not to ask. */
  readInto(): Buffer | null
  /** The peer will send no more. */
  onEnd(): void
  /** Exactly once, last of all. The error is null when the connection ended in good order. */
  onClosed(error: Error | null): void
}
