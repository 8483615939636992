import type { Socket } from './transport.ts'

/** How a client reaches a server. node-dial.ts is TCP; in a simulated network it is `network.connect`. */
export interface Dialer {
  /**
   * A connection that nothing was read from yet. Fails as Node does (`error.code`: ENOTFOUND, ECONNREFUSED …), and with
   * the signal's reason when that fires first.
   */
  dial(host: string, port: number, signal: AbortSignal): Promise<Socket>
}
