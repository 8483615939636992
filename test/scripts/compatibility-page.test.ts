import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { clients } from '../../compat-tests/catalog.ts'
import { recordedResults } from '../../compat-tests/recorded-results.ts'
import { apiRows, compatibilityPage } from '../../scripts/compatibility-page.ts'
import { apiTable } from '../../src/apis/table.ts'

describe('docs/compatibility.md', () => {
  it('says what the schemas and the recorded results say (run this test with -u to write it anew)', async () => {
    const page = path.resolve(import.meta.dirname, '../../docs/compatibility.md')
    await expect(compatibilityPage()).toMatchFileSnapshot(page)
  })

  it('names every call that is served, with the versions that clients are told', () => {
    for (const { api, advertised } of apiTable.values()) {
      const row = apiRows().find((line) => line.startsWith(`| ${api.key} |`))
      const { min, max } = advertised
      expect(row).toContain(`| ${api.name} | ${min === max ? min : `${min} to ${max}`} |`)
    }
  })

  it('has a result of every client for every scenario, and none that is gone', () => {
    const recorded = Object.entries(recordedResults()).map(([name, { scenarios }]) => [
      name,
      Object.keys(scenarios).sort(),
    ])
    const known = clients.map(({ name, scenarios }) => [name, scenarios.map((scenario) => scenario.name).sort()])
    expect(Object.fromEntries(recorded)).toEqual(Object.fromEntries(known))
  })
})
