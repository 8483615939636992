import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { bashCompletion } from './bash.ts'
import { type CommandTable, completionNodes } from './command-tree.ts'
import { fishCompletion } from './fish.ts'
import { zshCompletion } from './zsh.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

/** Of all commands, itself included. */
export function completionOf(table: CommandTable): Command {
  return {
    name: 'completion',
    about: 'print the completion for a shell',
    arguments: 'bash|zsh|fish',
    argumentCompletes: Object.keys(SHELLS),
    details:
      'For bash: eval "$(odradek completion bash)" in ~/.bashrc. For zsh: source <(odradek completion zsh) in ~/.zshrc, after compinit. For fish: odradek completion fish > ~/.config/fish/completions/odradek.fish. Topics and groups are asked of the broker.',
    options: {},
    async run(given, io) {
      const name = given.single('the shell')
      if (!Object.hasOwn(SHELLS, name)) throw new UsageError(`${name}: give one of ${Object.keys(SHELLS).join(', ')}`)
      await io.out(SHELLS[name as keyof typeof SHELLS](await completionNodes(table)))
      return 0
    },
  }
}
