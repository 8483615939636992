import type { Api } from '../../protocol/codec/schema.ts'
import type { WireTest } from './wire-test.ts'

/**
 * The broker a case needs: one with its defaults; one with many settings moved away from them (`settings.ts`); one that
 * closes idle connections soon and believes producers that a partition is in their transaction; or one that nobody has talked to yet.
 */
export type Fixture = 'default' | 'tuned' | 'impatient' | 'fresh'

export const FIXTURES: readonly Fixture[] = ['default', 'tuned', 'impatient', 'fresh']

/** Hand-made requests and the answers that are right; the same for Apache Kafka and for us. */
export interface WireCase {
  readonly group: string
  readonly title: string
  readonly fixture: Fixture
  readonly run: (test: WireTest) => Promise<void>
}

export type DefineCase = (title: string, run: (test: WireTest) => Promise<void>, fixture?: Fixture) => void

/** The cases of one subject, usually one API. */
export function wireCases(group: string, define: (wireCase: DefineCase) => void): readonly WireCase[] {
  const cases: WireCase[] = []
  define((title, run, fixture = 'default') => cases.push({ group, title, fixture, run }))
  const titles = new Set(cases.map(({ title }) => title))
  if (titles.size < cases.length) throw new Error(`two cases of ${group} have one title`)
  return cases
}

/** Every version of an API, oldest first; with bounds, those of them within. */
export function versionsOf(api: Pick<Api, 'versions' | 'latestVersionUnstable'>, from = 0, to = 99): number[] {
  const newest = api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max
  const versions: number[] = []
  for (let version = Math.max(api.versions.min, from); version <= Math.min(newest, to); version++)
    versions.push(version)
  return versions
}
