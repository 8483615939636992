import { ClientError } from '../client.ts'
import { eventually } from '../process.ts'
import type { ScenarioContext } from '../scenario.ts'

/**
 * Asks something of a group coordinator that may just have come up. Kafka opens its port before its coordinators have
 * loaded their groups, and creates its offsets topic at the first question (errors 14, 15 and 16); here coordinators are
 * ready before the port opens. An error without a code is a client that found its old connections dead.
 */
export function onceReady<T>(context: ScenarioContext, ask: () => Promise<T>): Promise<T> {
  return eventually('the group coordinator answers', 30_000, () =>
    ask().catch((error: unknown) => {
      if (!(error instanceof ClientError)) throw error
      if (error.code === null) return undefined
      if (context.target === 'kafka' && [14, 15, 16].includes(error.code)) return undefined
      throw error
    }),
  )
}
