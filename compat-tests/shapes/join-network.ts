import fs, { writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net, { type ListenOptions, type Server, type Socket, type TcpSocketConnectOpts } from 'node:net'
import os from 'node:os'
import {
  CONTAINER_ADDRESS,
  type ListeningPort,
  listeningFile,
  reach,
  SEEN_BY_BROKER,
  type Standpoint,
  scopeOf,
  type VirtualNetwork,
} from './virtual-network.ts'

/*
 * Loaded with --import into a broker or a tool: it then believes that it runs in a container of a compose file, with
 * that file's ports and names, while nothing but free ports of the loopback interface is used.
 */

const { standpoint, hostname, ...network } = JSON.parse(process.env['SHAPE_NETWORK'] ?? '') as VirtualNetwork & {
  readonly standpoint: Standpoint
  readonly hostname: string
}

const listen = net.Server.prototype.listen
const connect = net.Socket.prototype.connect
interface Handle {
  getsockname(into: Partial<net.AddressInfo>): number
  getpeername(into: Partial<net.AddressInfo>): number
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${what} ${code}`), { code, syscall: what.split(' ')[0] })
}

function bindLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    listen.call(server, { host: '127.0.0.1', port: 0 }, () => {
      server.removeListener('error', reject)
      resolve((net.Server.prototype.address.call(server) as net.AddressInfo).port)
    })
  })
}

/** A door of a server for who comes from one place. */
async function door(server: Server, port: number, from: Standpoint): Promise<number> {
  const { allowHalfOpen, pauseOnConnect, noDelay, keepAlive } = server as Server & net.ServerOpts
  const side = new net.Server({ allowHalfOpen, pauseOnConnect, noDelay, keepAlive } as net.ServerOpts, (socket) => {
    tellAddresses(socket, port, from)
    server.emit('connection', socket)
  })
  server.once('close', () => side.close())
  return bindLoopback(side)
}

/** On the handle: a socket may be made anew around it. */
function tellAddresses(socket: Socket, port: number, from: Standpoint): void {
  const { _handle: handle } = socket as unknown as { _handle: Handle | null }
  if (handle === null) return
  const { local, remote } = SEEN_BY_BROKER[from]
  const getPeerName = handle.getpeername.bind(handle)
  handle.getsockname = (into) => {
    Object.assign(into, { address: local, family: 'IPv4', port })
    return 0
  }
  handle.getpeername = (into) => {
    const status = getPeerName(into)
    if (status === 0) into.address = remote
    return status
  }
}

/** The server's own port is bound last, so that its event comes when all are there; nobody is told of it. */
async function open(server: Server, port: number, scope: ListeningPort['scope']): Promise<void> {
  const ports = {
    host: await door(server, port, 'host'),
    network: await door(server, port, 'network'),
    own: await door(server, port, 'own'),
  }
  writeFileSync(listeningFile(network, port), JSON.stringify({ scope, ports }))
  await bindLoopback(server)
}

net.Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const [options, done] = args as [ListenOptions, (() => void) | undefined]
  const { port, host = '' } = typeof options === 'object' ? options : { port: Number(options) }
  const scope = scopeOf(network, host)
  const family = { address: host || '::', family: 'IPv6', port: port ?? 0 }
  this.address = () => family
  if (done) this.once('listening', done)
  if (scope === null) {
    process.nextTick(() => this.emit('error', failure('EADDRNOTAVAIL', `listen ${host}:${port}`)))
    return this
  }
  open(this, port ?? 0, scope).catch((error: unknown) => this.emit('error', error))
  return this
} as typeof listen

net.Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  const isPort = typeof first === 'number' || typeof first === 'string'
  const options = isPort
    ? { port: Number(first), host: String(second ?? 'localhost') }
    : (first as TcpSocketConnectOpts)
  const done = (Array.isArray(args[0]) ? args[0] : args).findLast((one: unknown) => typeof one === 'function')
  const { host = 'localhost', port } = options
  const real = reach(network, standpoint, host, port)
  if (typeof real === 'number') {
    return Reflect.apply(connect, this, [{ ...options, host: '127.0.0.1', port: real }, done])
  }
  process.nextTick(() => this.destroy(failure(real, `connect ${host}:${port}`)))
  return this
} as typeof connect

os.hostname = () => hostname
const loopback = os.networkInterfaces()['lo'] ?? []
os.networkInterfaces = () => ({
  lo: loopback,
  eth0: [
    {
      address: CONTAINER_ADDRESS,
      netmask: '255.255.0.0',
      family: 'IPv4',
      mac: '02:42:ac:12:00:02',
      internal: false,
      cidr: `${CONTAINER_ADDRESS}/16`,
    },
  ],
})

/** How a process tells that it runs in a container with a network of its own. */
const MARKS = new Map([
  ['/.dockerenv', true],
  ['/sys/class/net/docker0', false],
  ['/sys/class/net/podman0', false],
  ['/proc/net/route', false],
])
const exists = fs.existsSync
fs.existsSync = (place) => MARKS.get(String(place)) ?? exists(place)
syncBuiltinESMExports()
