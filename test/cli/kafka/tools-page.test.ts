import path from 'node:path'
import { expect, it } from 'vitest'
import { toolsPage } from './tools-page.ts'

it('docs/kafka-tools.md says what the option tables say (run this test with -u to write it anew)', async () => {
  const page = path.resolve(import.meta.dirname, '../../../docs/kafka-tools.md')
  await expect(toolsPage()).toMatchFileSnapshot(page)
})
