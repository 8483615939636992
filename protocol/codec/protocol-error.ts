/**
 * Bytes that are not a well-formed message, or a value that a message cannot carry. Thrown by the codec alone and
 * caught once per connection: no response is possible, the connection is closed.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** Cold paths as functions, so that the methods which call them stay small enough to be inlined. */
export function refuse(reason: string): never {
  throw new ProtocolError(reason)
}

export function refuseTruncated(needed: number, remaining: number): never {
  throw new ProtocolError(`${needed} more bytes needed, ${remaining} left`)
}

export function refuseNull(path: string): never {
  throw new ProtocolError(`${path} must not be null`)
}

export function refuseMissing(path: string): never {
  throw new ProtocolError(`${path} is missing`)
}

export function refuseVersion(path: string, version: number): never {
  throw new ProtocolError(`${path} cannot be sent in version ${version}: the version has no such field`)
}

export function refuseTag(path: string, version: number): never {
  throw new ProtocolError(`the tag of ${path} is not valid in version ${version}`)
}

export function refuseType(path: string, expected: string): never {
  throw new ProtocolError(`${path} must be ${expected}`)
}
