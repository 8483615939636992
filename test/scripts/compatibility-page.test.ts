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

  it('has no result of a scenario that is gone', () => {
    for (const { name, scenarios } of clients) {
      const known = scenarios.map((scenario) => scenario.name)
      expect(known).toEqual(expect.arrayContaining(Object.keys(recordedResults()[name]?.scenarios ?? {})))
    }
    expect(clients.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(recordedResults())))
  })
})
