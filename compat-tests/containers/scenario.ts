import type { Docker } from './docker.ts'
import type { Language } from './languages.ts'

/** What a scenario finds. */
export interface World {
  readonly docker: Docker
  /** A folder of this run, for what is mounted. */
  readonly folder: string
  /** Shown below the scenario's line. */
  note(line: string): void
}

export interface Scenario {
  readonly name: string
  readonly needs?: Language
  run(world: World): Promise<void>
}
