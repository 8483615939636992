import { lookup } from 'node:dns/promises'
import type { Resolver } from './resolver.ts'

/** As every program of this machine resolves them, the hosts file included. */
export const nodeResolver: Resolver = {
  async lookup(host) {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  },
}
