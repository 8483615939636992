/** What a command cannot do, in words for a person; what was typed is not to blame: exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
