import { brokerConfigs } from './broker-configs.ts'
import { clientMetricsConfigs } from './client-metrics-configs.ts'
import type { ConfigDefinition, ConfigTable } from './config-definition.ts'
import { groupConfigs } from './group-configs.ts'
import { topicConfigs } from './topic-configs.ts'

const INTRODUCTION = `# Configuration

<!-- Written by src/config/configuration-page.ts from the tables beside it; a test keeps it fresh. -->

Settings have Kafka's names. They are merged from four places, the stronger first; what none of them says has its default:

1. the command line: \`--set name=value\`, and the options that stand for a setting (\`--port\`, \`--data\`, \`--durability\`);
2. the environment: \`KAFKA_\` and the name in capitals, with \`_\` for a dot, \`__\` for an underscore and \`___\` for a hyphen
   (\`KAFKA_LOG_RETENTION_MS=60000\`), or the same after \`KAFKA_CFG_\`; an empty variable counts as absent;
3. a properties file, as Kafka's \`server.properties\`;
4. the defaults below.

A value that does not fit stops the start with the setting's name and what is allowed. Settings of Kafka that have no
effect here are accepted, kept and shown, and named in one line of the log at the start; so are names nobody knows.

At run time settings are changed with Kafka's own tools. The stronger first: a topic's own setting, one for this broker, one
for all brokers, what was set before the start, the default.

Each table says which values are allowed (\`[a,...]\`: at least a), whether a setting can be changed at run time (for one
broker or for all), and whether it has an effect (an empty cell) or is only kept.

These defaults differ from Kafka's: \`group.initial.rebalance.delay.ms\` is 0, since one broker is mostly used where waiting only
costs time; \`node.id\`, \`process.roles\`, \`controller.listener.names\` and the data directory have a default at all.
Replication factors are cut to the number of brokers, so that settings written for three brokers work with one.
`

/** docs/configuration.md. */
export function configurationPage(): string {
  return [
    INTRODUCTION,
    section(
      'Topics',
      topicConfigs,
      ({ synonyms }) => synonyms.map(({ name }) => code(name)).join(', '),
      'Broker setting',
    ),
    section('Brokers', sorted(brokerConfigs), atRunTime, 'At run time'),
    section(
      'Groups',
      groupConfigs,
      ({ synonyms }) => synonyms.map(({ name }) => code(name)).join(', '),
      'Broker setting',
    ),
    section('Client metrics', clientMetricsConfigs, () => 'yes', 'At run time'),
  ].join('\n')
}

/** By name, our own at the end. */
function sorted(table: ConfigTable): ConfigTable {
  const own = (name: string) => (name.startsWith('odradek.') ? 1 : 0)
  const entries = Object.entries(table).sort(([a], [b]) => own(a) - own(b) || (a < b ? -1 : 1))
  return Object.fromEntries(entries)
}

function section(
  title: string,
  table: ConfigTable,
  extra: (definition: ConfigDefinition) => string,
  extraTitle: string,
): string {
  const rows = Object.entries(table).map(([name, definition]) => {
    const { type, defaultText, range, use, doc } = definition
    const shownDefault = defaultText === null ? '' : code(defaultText === '' ? '""' : defaultText)
    const cells = [code(name), type, shownDefault, range, extra(definition), use === 'accept' ? 'kept' : '', doc]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  const head = `| Name | Type | Default | Allowed | ${extraTitle} | Effect | Meaning |\n|---|---|---|---|---|---|---|`
  return `## ${title}\n\n${head}\n${rows.join('\n')}\n`
}

function atRunTime({ dynamic }: ConfigDefinition): string {
  if (dynamic === 'no') return ''
  return dynamic === 'cluster' ? 'one or all' : 'one'
}

function code(text: string): string {
  return `\`${text}\``
}
