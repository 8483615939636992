import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import { cleanEnvironment, endAll, repository, temporaryFolder } from '../../support/process.ts'

afterEach(endAll)

it('the picture of the first start shows what is printed (node scripts/record-start.ts draws it anew)', async () => {
  const file = path.join(temporaryFolder(), 'first-start.svg')
  const program = path.join(repository, 'scripts/record-start.ts')
  const { code, stderr } = await runToEnd(process.execPath, [program, file], { env: cleanEnvironment() })
  expect(code, stderr).toBe(0)
  const picture = readFileSync(path.join(repository, 'docs/first-start.svg'), 'utf8')
  expect(readFileSync(file, 'utf8')).toBe(picture)
  expect(picture).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg")/)
})
