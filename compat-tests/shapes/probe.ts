import net from 'node:net'

/** `nc -z [-w SECONDS] HOST PORT`, which ends with 0 when somebody listens there: what healthchecks use of it. */
const args = process.argv.slice(2)
const waits = args.indexOf('-w')
const rest = args.filter((arg, at) => !arg.startsWith('-') && (waits < 0 || at !== waits + 1))
const [host, port] = rest
const socket = net.connect({ host: host ?? 'localhost', port: Number(port) }, () => process.exit(0))
socket.on('error', () => process.exit(1))
