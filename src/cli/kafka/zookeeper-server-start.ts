import { parseProperties } from '../../config/properties-file.ts'
import { NodeTransport } from '../../io/node-transport.ts'
import type { Socket, Transport } from '../../io/transport.ts'
import { isSystemError, reasonOf } from '../failure.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'
import { reportFailure } from './tool-io.ts'

const USAGE = 'USAGE: zookeeper-server-start [-daemon] zookeeper.properties'
const DEFAULT_PORT = 2181
const BACKLOG = 16
/** The command is four letters; nobody who sends more is answered. */
const MAX_BYTES = 4

/**
 * Stands in for ZooKeeper where a start script insists on one: it listens, says `imok` to `ruok`, and stays alive.
 */
export async function zookeeperServerStart(args: readonly string[], io: ToolIo): Promise<number> {
  const [path] = args.filter((arg) => arg !== '-daemon')
  if (path === undefined || path.startsWith('-')) {
    io.err(`${USAGE}\n`)
    return 1
  }
  try {
    const port = await serveRuok(new NodeTransport(), addressOf(io.readFile(path)))
    io.err(`Odradek needs no ZooKeeper: this process only listens on port ${port}, for scripts that wait for it.\n`)
  } catch (error) {
    if (error instanceof ToolFailure) return reportFailure(error, io)
    if (!isSystemError(error)) throw error
    io.err(`zookeeper-server-start: ${reasonOf(error)}\n`)
    return 1
  }
  await new Promise<void>((resolve) => io.onInterrupt(resolve))
  process.exit(0)
}

interface ClientAddress {
  readonly host: string
  readonly port: number
}

export function addressOf(text: string): ClientAddress {
  const properties = parseProperties(text)
  const port = Number(properties.get('clientPort') ?? DEFAULT_PORT)
  if (Number.isInteger(port) && port >= 0 && port <= 65535) {
    return { host: properties.get('clientPortAddress') ?? '0.0.0.0', port }
  }
  throw new ToolFailure(`clientPort ${properties.get('clientPort')}: a port is a number from 0 to 65535`)
}

/** Resolves with the port that it listens on. */
export async function serveRuok(transport: Transport, { host, port }: ClientAddress): Promise<number> {
  const binding = await transport.listen({ host, port, backlog: BACKLOG }, answer, () => {})
  return binding.port
}

function answer(socket: Socket): void {
  let received = ''
  socket.open({
    onData(chunk) {
      received += chunk.toString('latin1', 0, MAX_BYTES)
      if (received.length < MAX_BYTES) return
      if (received.slice(0, MAX_BYTES) !== 'ruok') return socket.destroy()
      socket.write([Buffer.from('imok')], () => socket.end())
    },
    readInto: () => null,
    onEnd: () => socket.end(),
    onClosed: () => {},
  })
}
