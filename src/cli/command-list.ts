/** The commands and what they are for, in the order of the help. No imports: a broker's start prints it too. */
export const COMMAND_LIST = {
  start: 'run a broker (the default)',
  topics: 'list, describe, create, empty and delete topics',
  produce: 'send lines of standard input to a topic',
  consume: 'print what is in a topic',
  groups: 'list, describe, reset and delete consumer groups',
  configs: 'show and change settings of topics, brokers and groups',
  doctor: 'say what a client sees of a broker, and what is wrong with it',
  verify: 'check every file of a data directory; changes nothing',
  backup: 'copy a data directory, of a running broker too, to a new one',
  completion: 'print the completion for bash, zsh or fish',
} as const

export type CommandName = keyof typeof COMMAND_LIST
