import { connect } from 'node:net'
import type { Dialer } from './dialer.ts'
import { NodeSocket, plainAddress } from './node-transport.ts'

/** TCP, over whichever of a name's addresses answers first. */
export const nodeDialer: Dialer = {
  dial(host, port, signal) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, allowHalfOpen: true })
      const abandon = () => socket.destroy(signal.reason as Error)
      if (signal.aborted) abandon()
      signal.addEventListener('abort', abandon, { once: true })
      socket.once('error', (error) => {
        signal.removeEventListener('abort', abandon)
        reject(firstOf(error))
      })
      socket.once('connect', () => {
        signal.removeEventListener('abort', abandon)
        socket.removeAllListeners('error')
        const { remoteAddress = host, localAddress = '' } = socket
        const ends = {
          remoteAddress: plainAddress(remoteAddress),
          remotePort: port,
          localAddress: plainAddress(localAddress),
        }
        resolve(new NodeSocket(socket, ends))
      })
    })
  },
}

/** A name with several addresses fails once for each; what the first one says is what a person wants to read. */
function firstOf(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
}
