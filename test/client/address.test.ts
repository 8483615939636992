import { describe, expect, it } from 'vitest'
import { formatAddress, parseBootstrapServers } from '../../src/client/address.ts'

describe('bootstrap servers', () => {
  it.each([
    ['localhost:9092', ['localhost:9092']],
    [' a:1 , b:2,', ['a:1', 'b:2']],
    ['kafka', ['kafka:9092']],
    ['[::1]:9093', ['[::1]:9093']],
    ['PLAINTEXT://host.docker.internal:29092', ['host.docker.internal:29092']],
  ])('%s', (text, expected) => {
    expect(parseBootstrapServers(text).map(formatAddress)).toEqual(expected)
  })

  it.each(['', ',', 'host:0', 'host:65536', 'host:port', '::1:9092', 'a b:1', 'http://host:1/path'])(
    'refuses %j',
    (text) => {
      expect(() => parseBootstrapServers(text)).toThrow(/HOST:PORT/)
    },
  )
})
