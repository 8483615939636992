import { existsSync, readFileSync } from 'node:fs'
import { BlockList, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type NetworkSurroundings, OPEN_NETWORK } from './network-surroundings.ts'

/** What Docker and Podman leave in every container. */
const CONTAINER_MARKS = ['/.dockerenv', '/run/.containerenv']
/** A container that sees the bridge itself has the network of its host. */
const HOST_BRIDGES = ['docker0', 'podman0']
const ROUTES = '/proc/net/route'

/** An interface's address with the length of its network's prefix. */
export interface InterfaceAddress {
  readonly address: string
  readonly prefix: number
}

export function nodeNetworkSurroundings(): NetworkSurroundings {
  if (!CONTAINER_MARKS.some((mark) => existsSync(mark))) return OPEN_NETWORK
  if (HOST_BRIDGES.some((bridge) => existsSync(`/sys/class/net/${bridge}`))) return OPEN_NETWORK
  const routes = existsSync(ROUTES) ? readFileSync(ROUTES, 'latin1') : ''
  return containerSurroundings(addressesOfInterfaces(), routes)
}

function addressesOfInterfaces(): InterfaceAddress[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ address, cidr }) =>
      cidr === null ? [] : [{ address, prefix: Number(cidr.slice(cidr.indexOf('/') + 1)) }],
    ),
  )
}

/** What a container knows of its networks: its addresses, and the routing table in the form of /proc/net/route. */
export function containerSurroundings(addresses: readonly InterfaceAddress[], routes: string): NetworkSurroundings {
  const gateways = new Set(defaultGateways(routes))
  const own = new BlockList()
  for (const { address, prefix } of addresses) {
    own.addSubnet(address, prefix, familyOf(address))
    const first = firstAddress(address, prefix)
    if (first !== null) gateways.add(first)
  }
  return {
    originOf: (remoteAddress) => {
      if (gateways.has(remoteAddress)) return 'gateway'
      return own.check(remoteAddress, familyOf(remoteAddress)) ? 'near' : 'far'
    },
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/** In hexadecimal, the bytes in the order of the machine, which is little-endian wherever Node runs in containers. */
function defaultGateways(routes: string): string[] {
  const [, ...lines] = routes.split('\n')
  return lines.flatMap((line) => {
    const [, destination, gateway] = line.trim().split(/\s+/)
    if (destination !== '00000000' || gateway === undefined || !/^[0-9A-Fa-f]{8}$/.test(gateway)) return []
    return gateway === '00000000' ? [] : [[...Buffer.from(gateway, 'hex')].reverse().join('.')]
  })
}

/** Docker and Podman give it to the gateway of each network, of which only one has the default route. */
function firstAddress(address: string, prefix: number): string | null {
  if (isIPv6(address) || prefix > 30 || address.startsWith('127.')) return null
  const bits = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const first = bits - (bits % 2 ** (32 - prefix)) + 1
  const name = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')
  return name === address ? null : name
}
