import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { speaksTls } from '../../../src/io/tls-probe.ts'
import { temporaryFolder } from '../../support/process.ts'
import { odradek } from './program.ts'

const TIMEOUT_MS = 5000

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

function listen(server: Server): Promise<number> {
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

/** Null where there is no openssl. */
function certificate(): { key: Buffer; cert: Buffer } | null {
  const folder = temporaryFolder()
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-days',
    '2',
    '-subj',
    '/CN=t',
  ]
  const made = spawnSync('openssl', args)
  return made.status === 0 ? { key: readFileSync(key), cert: readFileSync(cert) } : null
}

const pair = certificate()

describe.skipIf(pair === null)('a listener for TLS (needs openssl)', () => {
  it('is recognised by the doctor', async () => {
    const port = await listen(createTlsServer(pair!, (socket) => socket.on('error', () => {})))
    const { code, stdout } = await odradek(null, ['doctor', `127.0.0.1:${port}`])
    expect(code).toBe(1)
    expect(stdout).toMatch(/WRONG +protocol +it speaks TLS, and was spoken to in plaintext/)
  })

  it('is recognised when it wants a certificate of the client, too', async () => {
    const options = { ...pair!, requestCert: true, rejectUnauthorized: true }
    const server = createTlsServer(options, (socket) => socket.on('error', () => {}))
    server.on('tlsClientError', () => {})
    expect(await speaksTls('127.0.0.1', await listen(server), TIMEOUT_MS)).toBe(true)
  })
})

it.each([
  ['closes', (end: () => void) => end()],
  ['says nothing', () => {}],
])('a server that %s does not speak TLS', async (_what, onSocket) => {
  const port = await listen(
    createServer((socket) => {
      socket.on('error', () => {})
      onSocket(() => socket.end())
    }),
  )
  expect(await speaksTls('127.0.0.1', port, 200)).toBe(false)
})
