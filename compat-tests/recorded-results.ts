import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Result } from './session.ts'

/** Of one client: the version of its library, and by scenario `pass`, `FAIL`, or why it does not apply. */
export interface RecordedClient {
  readonly version: string
  readonly scenarios: Readonly<Record<string, string>>
}

const file = join(import.meta.dirname, 'results.json')

/** What the last recorded runs against Odradek gave, by client; docs/compatibility.md is written from it. */
export function recordedResults(): Readonly<Record<string, RecordedClient>> {
  if (!existsSync(file)) return {}
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, RecordedClient>
}

/** Keeps the results in results.json; scenarios and clients that were not run stay as they were. */
export function recordResults(results: readonly Result[]): void {
  const clients: Record<string, RecordedClient> = { ...recordedResults() }
  for (const { client, version, scenario, outcome, detail } of results) {
    const before = clients[client]
    const result = outcome === 'n/a' ? `n/a: ${detail}` : outcome
    clients[client] = {
      version: version ?? before?.version ?? 'unknown',
      scenarios: { ...before?.scenarios, [scenario]: result },
    }
  }
  writeFileSync(file, `${JSON.stringify(inOrder(clients), null, 2)}\n`)
}

/** By name, so that a run changes only the lines whose result is another. */
function inOrder(clients: Readonly<Record<string, RecordedClient>>): Record<string, RecordedClient> {
  return Object.fromEntries(
    sorted(clients).map(([name, { version, scenarios }]) => [
      name,
      { version, scenarios: Object.fromEntries(sorted(scenarios)) },
    ]),
  )
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
}
