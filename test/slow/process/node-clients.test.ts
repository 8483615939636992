import { expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import { repository } from '../../support/process.ts'

const TIMEOUT_MS = 6 * 60_000

it(
  'kafkajs and @platformatic/kafka pass all their scenarios',
  async () => {
    const args = ['compat-tests/run.ts', '--client', 'kafkajs', '--client', 'platformatic']
    const options = { cwd: repository, timeoutMs: TIMEOUT_MS }
    const { code, stdout, stderr } = await runToEnd(process.execPath, args, options)
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/^[1-9]\d* passed, 0 failed/m)
  },
  TIMEOUT_MS + 10_000,
)
