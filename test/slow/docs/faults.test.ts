import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import { repository, temporaryFolder } from '../../support/process.ts'

const page = readFileSync(path.join(repository, 'docs/faults.md'), 'utf8')
const samples = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match, at) => ({ at: at + 1, sample: match[1]! }))

/** A sample without a broker of its own works on one that is there. */
function program(sample: string): string {
  if (sample.includes("from 'odradek'")) return sample
  return `import { startBroker } from 'odradek'\nconst broker = await startBroker()\n${sample}\nawait broker.close()\n`
}

describe('the page about faults', () => {
  it.each(samples)('TypeScript sample $at runs', async ({ sample }) => {
    const folder = temporaryFolder()
    mkdirSync(path.join(folder, 'node_modules'))
    symlinkSync(path.join(repository, 'node_modules/kafkajs'), path.join(folder, 'node_modules/kafkajs'))
    const source = path.join(repository, 'src/index.ts')
    writeFileSync(path.join(folder, 'sample.ts'), program(sample).replace("'odradek'", JSON.stringify(source)))
    const options = { cwd: folder, timeoutMs: 60_000 }
    const { code, stdout, stderr } = await runToEnd(process.execPath, ['sample.ts'], options)
    expect(code, stdout + stderr).toBe(0)
  })

  it('has some', () => {
    expect(samples).toHaveLength(3)
  })
})
