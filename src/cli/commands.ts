import type { Command, CommandGroup } from './command.ts'
import type { CommandName } from './command-list.ts'

/** Each is loaded when it is called. The broker itself is a program of its own: src/main.ts. */
export const COMMANDS: Readonly<Record<Exclude<CommandName, 'start'>, () => Promise<Command | CommandGroup>>> = {
  topics: async () => (await import('./topics/topics.ts')).topics,
  produce: async () => (await import('./produce.ts')).produce,
  consume: async () => (await import('./consume.ts')).consume,
  groups: async () => (await import('./groups/groups.ts')).groups,
  configs: async () => (await import('./configs/configs.ts')).configs,
  doctor: async () => (await import('./doctor/doctor.ts')).doctor,
  verify: async () => (await import('./verify.ts')).verify,
  backup: async () => (await import('./backup.ts')).backup,
  completion: async () => (await import('./completion/completion.ts')).completionOf(COMMANDS),
}
