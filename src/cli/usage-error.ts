/** What a person typed wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
