/** Chance, given to constructors so that a seed can replay it. */
export interface Random {
  /** A uniform integer in [0, limit). */
  below(limit: number): number
  bytes(length: number): Buffer
}
