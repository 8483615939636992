import { type Command, type CommandGroup, type CommandOption, type CommandOptions, HELP_OPTION } from './command.ts'

const WIDTH = 100

export function isGroup(command: Command | CommandGroup): command is CommandGroup {
  return 'commands' in command
}

/** `odradek topics create NAME [options]`. */
export function usageLine(path: string, command: Command): string {
  const words = ['odradek', path, command.arguments, '[options]']
  return words.filter((word) => word !== undefined).join(' ')
}

/** `-b, --bootstrap-server HOST:PORT`. */
export function optionTitle(name: string, option: CommandOption): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `
  return `${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`
}

export function commandHelp(path: string, command: Command): string {
  const details = command.details === undefined ? '' : `\n${wrap(command.details, 0)}\n`
  const options = optionLines({ ...command.options, ...HELP_OPTION })
  return `Usage: ${usageLine(path, command)}\n\n${sentence(command.about)}\n${details}\nOptions:\n${options}`
}

export function groupHelp(group: CommandGroup): string {
  const rows = group.commands.map((command) => {
    return [
      `  ${command.name}${command.arguments === undefined ? '' : ` ${command.arguments}`}`,
      command.about,
    ] as const
  })
  const more = `odradek ${group.name} COMMAND --help tells more.`
  return `Usage: odradek ${group.name} COMMAND [options]\n\n${sentence(group.about)}\n\nCommands:\n${columns(rows)}\n${more}\n`
}

export function optionLines(options: CommandOptions): string {
  return columns(Object.entries(options).map(([name, option]) => [`  ${optionTitle(name, option)}`, option.about]))
}

/** A left column as wide as it needs, a right one that is broken into lines. */
export function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `${left.padEnd(width)}${wrap(right, width)}\n`).join('')
}

function sentence(about: string): string {
  return `${about[0]!.toUpperCase()}${about.slice(1)}.`
}

function wrap(text: string, indent: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}
