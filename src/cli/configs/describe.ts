import { brokerCommand, printJson } from '../broker-command.ts'
import { formatTable } from '../table.ts'
import { UsageError } from '../usage-error.ts'
import { describeResource, isOwnSetting, RESOURCE_KINDS, sourceName } from './config-resource.ts'
import { givenResource, RESOURCE_ARGUMENTS } from './given-resource.ts'

export const describeConfigs = brokerCommand({
  name: 'describe',
  about: 'the settings of a topic, a broker or a group: those of its own, or all',
  arguments: RESOURCE_ARGUMENTS,
  argumentCompletes: RESOURCE_KINDS,
  details: 'A broker is named by its number; the broker `default` stands for all brokers together.',
  options: { all: { type: 'boolean', short: 'a', about: 'also those that have their default' } },
  json: '{ name: string, value: string | null, source: string, readOnly: boolean, sensitive: boolean }[]',
  check(given) {
    const { rest } = givenResource(given)
    if (rest.length > 0) throw new UsageError(`unexpected argument '${rest[0]}'`)
  },
  async run(client, given, io) {
    const { kind, name } = givenResource(given)
    const all = await describeResource(client, kind, name)
    const settings = given.has('all') ? all : all.filter(isOwnSetting)
    if (given.has('json')) {
      const rows = settings.map((setting) => {
        const { name, value, readOnly, isSensitive } = setting
        return { name, value, source: sourceName(setting), readOnly, sensitive: isSensitive }
      })
      await printJson(io, rows)
    } else if (settings.length === 0) {
      io.err(`The ${kind} ${name || 'default'} has no settings of its own; --all shows the others.\n`)
    } else {
      const rows = settings.map((setting) => [setting.name, valueText(setting), sourceName(setting)])
      await io.out(formatTable(['SETTING', 'VALUE', 'FROM'], rows))
    }
    return 0
  },
})

function valueText({ value, isSensitive }: { value: string | null; isSensitive: boolean }): string {
  if (isSensitive) return '(secret)'
  return value === null ? '(none)' : value === '' ? '(empty)' : value
}
