/** What a person typed wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** The words of the command whose help tells more, none for the broker's own. */
  readonly path: readonly string[]

  constructor(message: string, path: readonly string[] = []) {
    super(message)
    this.path = path
  }
}
