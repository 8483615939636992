import { KAFKA_BROKER_API_VERSIONS } from '../../../src/cli/kafka/kafka-broker-api-versions.ts'
import { KAFKA_CLUSTER } from '../../../src/cli/kafka/kafka-cluster.ts'
import { KAFKA_CONFIGS } from '../../../src/cli/kafka/kafka-configs.ts'
import { KAFKA_CONSOLE_CONSUMER } from '../../../src/cli/kafka/kafka-console-consumer.ts'
import { KAFKA_CONSOLE_PRODUCER } from '../../../src/cli/kafka/kafka-console-producer.ts'
import { KAFKA_CONSUMER_GROUPS } from '../../../src/cli/kafka/kafka-consumer-groups.ts'
import { KAFKA_DELETE_RECORDS } from '../../../src/cli/kafka/kafka-delete-records.ts'
import { KAFKA_FEATURES } from '../../../src/cli/kafka/kafka-features.ts'
import { KAFKA_GET_OFFSETS } from '../../../src/cli/kafka/kafka-get-offsets.ts'
import { KAFKA_LEADER_ELECTION } from '../../../src/cli/kafka/kafka-leader-election.ts'
import { KAFKA_LOG_DIRS } from '../../../src/cli/kafka/kafka-log-dirs.ts'
import { KAFKA_METADATA_QUORUM } from '../../../src/cli/kafka/kafka-metadata-quorum.ts'
import { KAFKA_SERVER_STOP } from '../../../src/cli/kafka/kafka-server-stop.ts'
import { KAFKA_STORAGE } from '../../../src/cli/kafka/kafka-storage.ts'
import { KAFKA_TOPICS } from '../../../src/cli/kafka/kafka-topics.ts'
import { type OptionTable, optionForm, type ToolDescription } from '../../../src/cli/kafka/option-table.ts'
import type { SubcommandTool } from '../../../src/cli/kafka/subcommand.ts'
import { TOOL_CASES } from './cases.ts'

const PLAIN: readonly ToolDescription[] = [
  KAFKA_TOPICS,
  KAFKA_CONFIGS,
  KAFKA_CONSOLE_PRODUCER,
  KAFKA_CONSOLE_CONSUMER,
  KAFKA_CONSUMER_GROUPS,
  KAFKA_BROKER_API_VERSIONS,
  KAFKA_GET_OFFSETS,
  KAFKA_DELETE_RECORDS,
  KAFKA_LOG_DIRS,
  KAFKA_LEADER_ELECTION,
  KAFKA_SERVER_STOP,
]

const WITH_SUBCOMMANDS: readonly SubcommandTool[] = [
  KAFKA_CLUSTER,
  KAFKA_STORAGE,
  KAFKA_FEATURES,
  KAFKA_METADATA_QUORUM,
]

const BEGINNING = `# Kafka's command line tools

Health checks, start scripts and tutorials call the tools of Apache Kafka. Odradek has its own by the same names, with and without \`.sh\`: \`odradek kafka-topics --bootstrap-server localhost:9092 --list\`; in [the image](image.md) the names alone are enough. They are part of the one program, need no Java, and work against Kafka as well. For people [odradek's own commands](cli.md) are nicer.

Options, output and exit codes are those of Kafka 4.3.1. \`node compat-tests/kafka-tools.ts\` runs the same ${TOOL_CASES.length} calls with Kafka's tools and with these, against both brokers, and compares what they print; \`npm test\` compares with what Kafka's tools printed then. Abbreviated option names are refused, as by Kafka since 4.0.

## What differs

| | |
|---|---|
| usage texts | words of our own |
| warnings of old names (\`--property\`, \`--producer-property\`, \`--consumer-property\`, \`--consumer.config\`) | on standard error; Kafka 4.3.1 prints them among the records |
| \`--broker-list\` of kafka-console-producer | still taken |
| stacks of Java | their first line |
| no broker answers | as with Kafka a tool waits a minute (\`default.api.timeout.ms\` in the file of \`--command-config\`), and one line on standard error says for what; kafka-broker-api-versions and a host name that nobody knows end at once. kafka-consumer-groups ends with 0 whatever a broker answers, or none, as Kafka's does: scripts that check look at other tools |
| kafka-console-producer without a broker | exit code 1; Kafka's has 0 |
| kafka-console-consumer without \`--group\` | reads without one: no \`console-consumer-12345\` comes to be |
| kafka-console-consumer with \`--group\` | commits no leader epoch: \`-\` in the column LEADER-EPOCH |
| kafka-server-stop | ends the broker of one folder, not every broker of the machine |
| kafka-storage format \`--add-scram\` | refused: there are no SCRAM users yet |
| kafka-configs for users, clients, addresses and loggers; \`--bootstrap-controller\` | refused |
| deserializers, formatters and line readers | those that come with Kafka, by their names; classes of your own cannot be loaded |
| regular expressions | those of JavaScript |
| kafka-metadata-quorum | of a broker that has a quorum, which Odradek has not: it ends with 1 as Kafka's does |

Also there: \`kafka-server-start [-daemon] server.properties [--override NAME=VALUE]\` is the broker itself, and \`zookeeper-server-start zookeeper.properties\` a process that listens on the \`clientPort\` of the file and says \`imok\` to \`ruok\`, for scripts that insist on one.
`

/** docs/kafka-tools.md: what the option tables say, and what is known to differ. */
export function toolsPage(): string {
  const tools = PLAIN.map(({ name, about, options }) => section(name, about, [['', '', options]]))
  const others = WITH_SUBCOMMANDS.map(({ name, about, common, subcommands }) =>
    section(
      name,
      about,
      Object.entries(subcommands).map(([one, { about: what, options }]) => [one, what, { ...common, ...options }]),
    ),
  )
  return [BEGINNING, ...tools, ...others].join('\n')
}

function section(
  name: string,
  about: string,
  parts: readonly [name: string, about: string, options: OptionTable][],
): string {
  const tables = parts.map(([part, what, options]) => {
    const rows = Object.entries(options)
      .filter(([option]) => option !== 'help' && option !== 'version')
      .map(
        ([option, definition]) =>
          `| \`${cellText(optionForm(option, definition))}\` | ${cellText(definition.about)} |\n`,
      )
    const heading = part === '' ? '' : `\`${name} ${part}\`: ${what}\n\n`
    return `${heading}${rows.length === 0 ? '' : `| | |\n|---|---|\n${rows.join('')}`}`
  })
  return `## ${name}\n\n${about}\n\n${tables.map((table) => table.trimEnd()).join('\n\n')}\n`
}

function cellText(text: string): string {
  return text.replaceAll('|', '\\|')
}
