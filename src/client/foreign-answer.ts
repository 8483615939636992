const TLS_ALERT = 0x15
const TLS_HANDSHAKE = 0x16

/** What server answers with these first bytes, when it is one that people reach by mistake; else null. */
export function foreignProtocolOf(bytes: Buffer): 'TLS' | 'HTTP' | 'SSH' | null {
  if ((bytes[0] === TLS_ALERT || bytes[0] === TLS_HANDSHAKE) && bytes[1] === 3) return 'TLS'
  const text = bytes.toString('latin1', 0, 4)
  if (text === 'HTTP') return 'HTTP'
  return text === 'SSH-' ? 'SSH' : null
}
