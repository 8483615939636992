import type { Command, CommandGroup, CommandOptions, Completable } from '../command.ts'
import { HELP_OPTION } from '../command.ts'
import { isGroup } from '../command-help.ts'
import { COMMAND_LIST } from '../command-list.ts'
import { START_HELP_OPTIONS } from '../start-help.ts'

/** What can follow the words of a path, `topics create` for instance. */
export interface CompletionNode {
  readonly path: string
  /** Words that go on to another node, with what they are for. */
  readonly words: readonly { readonly word: string; readonly about: string }[]
  readonly options: CommandOptions
  readonly argument: Completable | null
}

/** Where commands are loaded from, by name. */
export type CommandTable = Readonly<Record<string, () => Promise<Command | CommandGroup>>>

/** Every path there is, the empty one first. */
export async function completionNodes(table: CommandTable): Promise<CompletionNode[]> {
  const commands = await Promise.all(Object.values(table).map(async (load) => await load()))
  const words = Object.entries(COMMAND_LIST).map(([word, about]) => ({ word, about }))
  return [
    { path: '', words, options: START_HELP_OPTIONS, argument: null },
    { path: 'start', words: [], options: START_HELP_OPTIONS, argument: null },
    ...commands.flatMap((command) => nodesOf(command)),
  ]
}

function nodesOf(command: Command | CommandGroup): CompletionNode[] {
  if (!isGroup(command)) return [leaf(command.name, command)]
  const words = command.commands.map(({ name, about }) => ({ word: name, about }))
  return [
    { path: command.name, words, options: HELP_OPTION, argument: null },
    ...command.commands.map((one) => leaf(`${command.name} ${one.name}`, one)),
  ]
}

function leaf(path: string, { options, argumentCompletes }: Command): CompletionNode {
  return { path, words: [], options: { ...options, ...HELP_OPTION }, argument: argumentCompletes ?? null }
}

/** `--partitions` and `-p`. */
export function optionWords(options: CommandOptions): string[] {
  return Object.entries(options).flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ])
}
