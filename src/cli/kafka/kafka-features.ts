import { BOOTSTRAP, COMMAND_CONFIG, withAdmin } from './admin-properties.ts'
import type { Options } from './option-table.ts'
import { runSubcommand, type SubcommandTool } from './subcommand.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'

export const KAFKA_FEATURES: SubcommandTool = {
  name: 'kafka-features',
  about: 'Show the feature levels of a cluster.',
  common: {
    'bootstrap-server': BOOTSTRAP,
    'bootstrap-controller': { kind: 'value', value: 'HOST:PORT', about: 'Refused: there is no controller listener.' },
    'command-config': COMMAND_CONFIG,
  },
  subcommands: {
    describe: { about: 'Show what is supported and what is in force.', options: {}, run: describe },
  },
}

export function kafkaFeatures(args: readonly string[], io: ToolIo): Promise<number> {
  return runSubcommand(KAFKA_FEATURES, args, io)
}

async function describe(options: Options<string>, io: ToolIo): Promise<number> {
  if (!options.has('bootstrap-server')) {
    const message = 'You must specify either --bootstrap-controller or --bootstrap-server.'
    throw new ToolFailure(`Command line error: ${message}. Type --help for help.`)
  }
  return withAdmin(io, options, 'describeFeatures', async (client) => {
    const { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch } = await client.apiVersions()
    const epoch = finalizedFeaturesEpoch < 0 ? '-' : String(finalizedFeaturesEpoch)
    for (const { name, minVersion, maxVersion } of [...supportedFeatures].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const level = finalizedFeatures.find((one) => one.name === name)?.maxVersionLevel ?? 0
      io.out(
        [
          `Feature: ${name.padEnd(42)}`,
          `SupportedMinVersion: ${levelText(name, minVersion).padEnd(17)}`,
          `SupportedMaxVersion: ${levelText(name, maxVersion).padEnd(17)}`,
          `FinalizedVersionLevel: ${levelText(name, level).padEnd(17)}`,
          `Epoch: ${epoch}\n`,
        ].join(''),
      )
    }
    return 0
  })
}

const FIRST_LEVEL = 7

/** Names of metadata versions, from the first level of KRaft on. */
const METADATA_VERSIONS =
  '3.3-IV3 3.4-IV0 3.5-IV0 3.5-IV1 3.5-IV2 3.6-IV0 3.6-IV1 3.6-IV2 3.7-IV0 3.7-IV1 3.7-IV2 3.7-IV3 3.7-IV4 3.8-IV0 3.9-IV0 4.0-IV0 4.0-IV1 4.0-IV2 4.0-IV3 4.1-IV0 4.1-IV1 4.2-IV0 4.2-IV1 4.3-IV0 4.4-IV0'.split(
    ' ',
  )

function levelText(feature: string, level: number): string {
  if (feature !== 'metadata.version') return String(level)
  return METADATA_VERSIONS[level - FIRST_LEVEL] ?? `UNKNOWN [${level}]`
}
