import { type Command, type CommandGroup, type CommandOptions, HELP_OPTION } from './command.ts'
import { isGroup, optionTitle, usageLine } from './command-help.ts'
import { COMMAND_LIST } from './command-list.ts'
import { COMMANDS } from './commands.ts'
import { START_HELP_OPTIONS } from './start-help.ts'

const INTRODUCTION = `# The command line

<!-- Written by src/cli/cli-page.ts from the tables of the commands; a test keeps it fresh. -->

\`odradek\` alone runs a broker. With a command it is a tool that speaks Kafka's protocol to any broker, Apache Kafka as well,
or one that looks at a data directory from outside. Tools are a program of their own beside the broker, and answer in a
tenth of a second.

The broker that a tool asks is \`--bootstrap-server\`, else the environment's \`ODRADEK_BOOTSTRAP_SERVER\`, else
\`localhost:9092\`.

Tables are for people. With \`--json\` every command prints one JSON value on standard output, of the shape given here;
\`consume\` prints one for each record. Fields may be added to these shapes, and none is taken away or renamed. Notes, progress
and errors go to standard error.

| Exit code | Means |
|---|---|
| 0 | done |
| 1 | it failed, and standard error says what happened; for \`doctor\` and \`verify\` also: something is wrong; for questions: the answer was no |
| 2 | the command was typed wrong, and nothing was done |

The broker itself ends with 0 when it was told to stop and with 1 when it could not start, whatever the reason.

Kafka's own tools are there by Kafka's names, with Kafka's options and output: \`odradek kafka-topics --list\`. Their exit codes
are Kafka's.
`

/** docs/cli.md. */
export async function cliPage(): Promise<string> {
  const sections = await Promise.all(Object.values(COMMANDS).map(async (load) => sectionsOf(await load())))
  return [INTRODUCTION, contents(), startSection(), ...sections.flat()].join('\n')
}

function contents(): string {
  const rows = Object.entries(COMMAND_LIST).map(([name, about]) => `| [\`${name}\`](#odradek-${name}) | ${about} |\n`)
  return `| Command | What it is for |\n|---|---|\n${rows.join('')}`
}

function startSection(): string {
  const usage = 'odradek [start] [options]'
  return `## odradek start\n\n${fenced(usage)}\nRuns a broker until it is told to stop.\n\n${optionTable(START_HELP_OPTIONS)}`
}

function sectionsOf(command: Command | CommandGroup): string[] {
  if (!isGroup(command)) return [section('##', command.name, command)]
  const commands = command.commands.map((one) => section('###', `${command.name} ${one.name}`, one))
  return [`## odradek ${command.name}\n`, ...commands]
}

function section(level: string, path: string, command: Command): string {
  const { about, details, options, json } = command
  return [
    `${level} odradek ${path}\n`,
    fenced(usageLine(path, command)),
    `${about[0]!.toUpperCase()}${about.slice(1)}.${details === undefined ? '' : ` ${details}`}\n`,
    optionTable({ ...options, ...HELP_OPTION }),
    ...(json === undefined ? [] : [`\`--json\`:\n\n\`\`\`ts\n${json}\n\`\`\`\n`]),
  ].join('\n')
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\`\n`
}

function optionTable(options: CommandOptions): string {
  const rows = Object.entries(options).map(([name, option]) => {
    return `| \`${optionTitle(name, option).trim().replaceAll('|', '\\|')}\` | ${option.about.replaceAll('|', '\\|')} |\n`
  })
  return `| Option | Meaning |\n|---|---|\n${rows.join('')}`
}
