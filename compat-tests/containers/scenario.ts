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

/** Thrown by a scenario that this machine cannot try; the message is the reason. */
export class NotTried extends Error {}

export interface Scenario {
  readonly name: string
  readonly needs?: Language
  run(world: World): Promise<void>
}
