import { expect, it } from 'vitest'
import { clients } from '../../../compat-tests/catalog.ts'
import { runToEnd } from '../../../compat-tests/process.ts'
import { repository } from '../../support/process.ts'

const TIMEOUT_MS = 6 * 60_000
const CLIENTS = ['kafkajs', 'platformatic']

/**
 * What clients make of faults, of brokers that come and go and of a disk that is full takes minutes, and time-outs that a
 * busy machine does not keep: `npm run compat` has them.
 */
function scenarios(): string[] {
  const chosen = clients.filter(({ name }) => CLIENTS.includes(name)).flatMap((client) => client.scenarios)
  return [
    ...new Set(
      chosen.filter(({ fixture, name }) => fixture !== 'cluster' && name !== 'disk-budget').map(({ name }) => name),
    ),
  ]
}

it(
  'kafkajs and @platformatic/kafka pass all their scenarios with one broker',
  async () => {
    const chosen = [...CLIENTS.map((name) => ['--client', name]), ...scenarios().map((name) => ['--scenario', name])]
    const options = { cwd: repository, timeoutMs: TIMEOUT_MS }
    const args = ['compat-tests/run.ts', ...chosen.flat()]
    const { code, stdout, stderr } = await runToEnd(process.execPath, args, options)
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/^[1-9]\d* passed, 0 failed/m)
  },
  TIMEOUT_MS + 10_000,
)
