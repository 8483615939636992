const TLS_HANDSHAKE = 0x16
const TLS_MAJOR_VERSION = 0x03

/** First words of a line that a peer of another protocol opens with. As a frame's size each is above a gigabyte. */
const OPENINGS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^(?:GET |HEAD|POST|PUT |DELE|OPTI|PATC|CONN|TRAC|PRI )/, 'an HTTP request'],
  [/^SSH-/, 'an SSH client'],
  [/^(?:PROX|\r\n\r\n)/, 'a PROXY protocol header, as load balancers send when told to'],
]

/**
 * What the first bytes of a connection look like when they are not Kafka's: the wrong port or the wrong security
 * protocol is the commonest of all mistakes, and `invalid size 369295616` tells nobody.
 */
export function foreignProtocol(bytes: Buffer): string | null {
  if (bytes.length >= 2 && bytes[0] === TLS_HANDSHAKE && bytes[1] === TLS_MAJOR_VERSION) {
    return 'a TLS handshake: the client wants SSL, this listener is plaintext'
  }
  const word = bytes.toString('latin1', 0, 4)
  return OPENINGS.find(([pattern]) => pattern.test(word))?.[1] ?? null
}
