import { connect } from 'node:tls'

/** Whether a TLS handshake comes to an end there, whoever the certificate is for. Nothing is sent. */
export function speaksTls(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: timeoutMs })
    const answer = (speaks: boolean) => {
      socket.destroy()
      resolve(speaks)
    }
    socket.once('secureConnect', () => answer(true))
    // What asks for a certificate of the client speaks TLS as well.
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code?.startsWith('ERR_SSL_TLSV1') === true))
    socket.once('timeout', () => answer(false))
    socket.once('close', () => answer(false))
  })
}
