import path from 'node:path'
import { expect, it } from 'vitest'
import { configurationPage } from '../../src/config/configuration-page.ts'

it('docs/configuration.md says what the tables say (run this test with -u to write it anew)', async () => {
  const page = path.resolve(import.meta.dirname, '../../docs/configuration.md')
  await expect(configurationPage()).toMatchFileSnapshot(page)
})
