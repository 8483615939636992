import { parseProperties } from '../../config/properties-file.ts'
import { connect, requireAddresses } from './connect.ts'
import type { Options, OptionTable } from './option-table.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

export const BOOTSTRAP = {
  kind: 'value',
  value: 'HOST:PORT',
  about: 'The broker to ask, or several of them separated by commas.',
} as const

export const COMMAND_CONFIG = {
  kind: 'value',
  value: 'FILE',
  about: 'A properties file for the client: default.api.timeout.ms and client.id have an effect.',
} as const

/** The two options of nearly every tool. */
export const CONNECTION_OPTIONS = {
  'bootstrap-server': BOOTSTRAP,
  'command-config': COMMAND_CONFIG,
} as const satisfies OptionTable

export type ConnectionOption = keyof typeof CONNECTION_OPTIONS

export function readProperties(io: ToolIo, path: string | null): ReadonlyMap<string, string> {
  return path === null ? new Map() : parseProperties(io.readFile(path))
}

/** For tools that report what is wrong with the options otherwise than what comes of a request. */
export function checkConnection(io: ToolIo, options: Options<ConnectionOption>): void {
  requireAddresses(options.value('bootstrap-server') ?? '')
  readProperties(io, options.value('command-config'))
}

/** Runs `use` with a client, and closes that in any case. */
export async function withAdmin<Result>(
  io: ToolIo,
  options: Options<ConnectionOption>,
  call: string,
  use: (client: ToolClient) => Promise<Result>,
  patient = true,
): Promise<Result> {
  const properties = readProperties(io, options.value('command-config'))
  const bootstrap = options.value('bootstrap-server') ?? ''
  const client = await connect(io, { bootstrap, properties, clientId: 'adminclient-1', call, patient })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
