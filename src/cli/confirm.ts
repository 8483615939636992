import type { CommandOptions, Given } from './command.ts'
import type { CommandIo } from './command-io.ts'
import { UsageError } from './usage-error.ts'

export const YES_OPTION: CommandOptions = {
  yes: { type: 'boolean', short: 'y', about: 'do not ask first' },
}

/** Whether to go on with what cannot be undone. Without a terminal nobody can be asked: throws UsageError. */
export async function confirm(question: string, given: Given, io: CommandIo): Promise<boolean> {
  if (given.has('yes')) return true
  if (!io.inputIsTerminal) throw new UsageError(`${question} Nobody is there to ask: add --yes`)
  const answer = await io.ask(`${question} [y/N] `)
  if (/^y(?:es)?$/i.test(answer.trim())) return true
  io.err('Nothing was changed.\n')
  return false
}
