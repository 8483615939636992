import { parseProperties } from '../../config/properties-file.ts'
import { nodeFileSystem } from '../../io/node-file-system.ts'
import { nodeRandom } from '../../io/node-random.ts'
import { identifyDirectory } from '../../storage/local/log-directory.ts'
import { StorageError } from '../../storage/local/storage-error.ts'
import { brokerSettings } from './broker-settings.ts'
import type { Options } from './option-table.ts'
import { runSubcommand, type SubcommandTool } from './subcommand.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'

const CONFIG = { kind: 'value', value: 'FILE', short: 'c', required: true, about: 'The server.properties.' } as const
const NO_QUORUM = { kind: 'value', value: 'LIST', about: 'Accepted without effect: there is no quorum.' } as const

export const KAFKA_STORAGE: SubcommandTool = {
  name: 'kafka-storage',
  about: 'Prepare the folder for the logs.',
  common: {},
  subcommands: {
    info: { about: 'Show what is in the folder.', options: { config: CONFIG }, run: info },
    format: {
      about: 'Write down which cluster and broker the folder belongs to. A broker does so by itself.',
      options: {
        config: CONFIG,
        'cluster-id': { kind: 'value', value: 'ID', short: 't', required: true, about: 'The id of the cluster.' },
        'ignore-formatted': { kind: 'none', short: 'g', about: 'A folder that is formatted is left as it is.' },
        'add-scram': {
          kind: 'value',
          value: 'CREDENTIAL',
          short: 'S',
          about: 'Refused: there are no SCRAM users yet.',
        },
        'release-version': { kind: 'value', value: 'VERSION', short: 'r', about: 'Accepted without effect.' },
        feature: { kind: 'value', value: 'NAME=LEVEL', short: 'f', about: 'Accepted without effect.' },
        standalone: { kind: 'none', short: 's', about: 'Accepted without effect: there is no quorum.' },
        'no-initial-controllers': { kind: 'none', short: 'N', about: 'Accepted without effect: there is no quorum.' },
        'initial-controllers': { ...NO_QUORUM, short: 'I' },
      },
      run: format,
    },
    'random-uuid': { about: 'Print an id for a cluster.', options: {}, run: randomUuid },
  },
}

export function kafkaStorage(args: readonly string[], io: ToolIo): Promise<number> {
  return runSubcommand(KAFKA_STORAGE, args, io)
}

/** In base64url, and without a minus in front, which would be taken for an option. */
async function randomUuid(_: Options<string>, io: ToolIo): Promise<number> {
  let id: string
  do id = nodeRandom.bytes(16).toString('base64url')
  while (id.startsWith('-'))
  io.out(`${id}\n`)
  return 0
}

interface Folder {
  readonly nodeId: number
  readonly directory: string
}

/** Throws ToolFailure for a file that is not there or cannot be used. */
function folderOf(options: Options<string>, io: ToolIo): Folder {
  const config = brokerSettings(io, options.value('config'))
  return { nodeId: config['node.id'], directory: config.dataDirectory }
}

function metaProperties(directory: string): Map<string, string> | null {
  const content = nodeFileSystem.readFile(`${directory}/meta.properties`)
  return content === null ? null : parseProperties(content.toString('utf8'))
}

async function info(options: Options<string>, io: ToolIo): Promise<number> {
  const { directory } = folderOf(options, io)
  if (nodeFileSystem.stat(directory)?.directory !== true) {
    io.out(`Found problem:\n  ${directory} does not exist\n\n`)
    return 1
  }
  const properties = metaProperties(directory)
  io.out(`Found log directory:\n  ${directory}\n\n`)
  if (properties === null) {
    io.out(`Found problem:\n  ${directory} is not formatted.\n\n`)
    return 1
  }
  const fields = [...properties].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`)
  io.out(`Found metadata: {${fields.join(', ')}}\n\n`)
  return 0
}

async function format(options: Options<string>, io: ToolIo): Promise<number> {
  if (options.has('add-scram')) {
    throw new ToolFailure('--add-scram: this version of Odradek has no SCRAM users; nothing was formatted')
  }
  const clusterId = options.value('cluster-id')!
  const { nodeId, directory } = folderOf(options, io)
  const known = metaProperties(directory)
  if (known !== null) return alreadyFormatted(known, clusterId, directory, options, io)
  nodeFileSystem.makeDirectory(directory)
  try {
    await identifyDirectory(nodeFileSystem, directory, { nodeId, clusterId }, nodeRandom)
  } catch (error) {
    if (error instanceof StorageError) throw new ToolFailure(error.message)
    throw error
  }
  io.out(`Formatting metadata directory ${directory} with metadata.version 4.3-IV0.\n`)
  return 0
}

function alreadyFormatted(
  known: ReadonlyMap<string, string>,
  clusterId: string,
  directory: string,
  options: Options<string>,
  io: ToolIo,
): number {
  if (!options.has('ignore-formatted')) {
    throw new ToolFailure(
      `Log directory ${directory} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
    )
  }
  const stored = known.get('cluster.id')
  if (stored !== clusterId) {
    throw new ToolFailure(
      `Invalid cluster.id in: ${directory}/meta.properties. Expected ${clusterId}, but read ${stored}`,
    )
  }
  io.out('All of the log directories are already formatted.\n')
  return 0
}
