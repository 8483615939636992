import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliPage } from '../../src/cli/cli-page.ts'
import { type Command, type CommandGroup, HELP_OPTION } from '../../src/cli/command.ts'
import { commandHelp, isGroup } from '../../src/cli/command-help.ts'
import { COMMAND_LIST } from '../../src/cli/command-list.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { START_OPTIONS } from '../../src/cli/start.ts'
import { START_HELP_OPTIONS } from '../../src/cli/start-help.ts'

const loaded = await Promise.all(Object.values(COMMANDS).map((load) => load()))
const commands: [string, Command][] = loaded.flatMap((one: Command | CommandGroup): [string, Command][] => {
  if (!isGroup(one)) return [[one.name, one]]
  return one.commands.map((command) => [`${one.name} ${command.name}`, command])
})

describe('the tables of the commands', () => {
  it('docs/cli.md says what they say (run this test with -u to write it anew)', async () => {
    const page = path.resolve(import.meta.dirname, '../../docs/cli.md')
    await expect(await cliPage()).toMatchFileSnapshot(page)
  })

  it('the list of commands names those that there are', () => {
    expect(Object.keys(COMMAND_LIST)).toEqual(['start', ...Object.keys(COMMANDS)])
    expect(loaded.map(({ name }) => name)).toEqual(Object.keys(COMMANDS))
  })

  it('the help of start names the options of start', () => {
    const read = Object.entries(START_OPTIONS).map(([name, option]) => [
      name,
      'short' in option ? option.short : undefined,
    ])
    const { help: _, version: __, ...shown } = START_HELP_OPTIONS
    expect(
      Object.entries(shown)
        .map(([name, { short }]) => [name, short])
        .sort(),
    ).toEqual(read.sort())
  })

  it.each(commands)('%s: no two options have one letter, and the help names each', (path, command) => {
    const options = { ...command.options, ...HELP_OPTION }
    const letters = Object.values(options).flatMap(({ short }) => (short === undefined ? [] : [short]))
    expect(new Set(letters).size).toBe(letters.length)
    const help = commandHelp(path, command)
    for (const [name, { type, value }] of Object.entries(options)) {
      expect(help).toContain(`--${name}`)
      expect(type === 'string', name).toBe(value !== undefined)
    }
    expect(Object.hasOwn(options, 'json')).toBe(command.json !== undefined)
  })
})
