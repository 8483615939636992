import { describe, expect, it } from 'vitest'
import { containerSurroundings } from '../../src/io/node-network-surroundings.ts'

const HEADER = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
const BRIDGE = { address: '172.17.0.2', prefix: 16 }
const LOOPBACK = { address: '127.0.0.1', prefix: 8 }

/** A line of /proc/net/route: addresses are hexadecimal, lowest byte first. */
function route(destination: string, gateway: string): string {
  return `eth0\t${destination}\t${gateway}\t0003\t0\t0\t0\t00000000\t0\t0\t0`
}

function originIn(addresses: { address: string; prefix: number }[], routes: string[], peer: string) {
  return containerSurroundings(addresses, [HEADER, ...routes, ''].join('\n')).originOf(peer)
}

describe('the surroundings of a container', () => {
  const routes = [route('00000000', '010011AC'), route('000011AC', '00000000')]

  it.each([
    ['the gateway of the default route', '172.17.0.1', 'gateway'],
    ['another container of its network', '172.17.0.3', 'near'],
    ['itself', '172.17.0.2', 'near'],
    ['itself by the loopback', '127.0.0.1', 'near'],
    ['a machine of the network of its host', '192.168.1.7', 'far'],
    ['a machine by IPv6', 'fd00::7', 'far'],
  ])('%s, %s, is %s', (_who, peer, origin) => {
    expect(originIn([LOOPBACK, BRIDGE], routes, peer)).toBe(origin)
  })

  it.each([
    ['172.17.0.1', 'gateway'],
    ['172.20.0.1', 'gateway'],
    ['172.20.0.9', 'near'],
  ])('of two networks, only one of which has the default route, %s is %s', (peer, origin) => {
    expect(originIn([LOOPBACK, BRIDGE, { address: '172.20.0.5', prefix: 16 }], routes, peer)).toBe(origin)
  })

  it('a network may be smaller than its bytes', () => {
    const own = [{ address: '10.89.1.70', prefix: 26 }]
    expect(originIn(own, [], '10.89.1.65')).toBe('gateway')
    expect(originIn(own, [], '10.89.1.126')).toBe('near')
    expect(originIn(own, [], '10.89.1.1')).toBe('far')
  })

  it('a gateway outside of all networks, as slirp4netns has one, is known by its route', () => {
    expect(originIn([{ address: '10.0.2.100', prefix: 24 }], [route('00000000', '0202000A')], '10.0.2.2')).toBe(
      'gateway',
    )
  })

  it('IPv6 networks count', () => {
    const own = [{ address: 'fd00::2', prefix: 64 }]
    expect(originIn(own, [], 'fd00::9')).toBe('near')
    expect(originIn(own, [], 'fd01::9')).toBe('far')
  })

  it('a table that cannot be read gives no gateway', () => {
    expect(
      originIn([BRIDGE], ['', 'eth0', route('00000000', 'nonsense'), route('00000000', '00000000')], '0.0.0.0'),
    ).toBe('far')
  })
})
