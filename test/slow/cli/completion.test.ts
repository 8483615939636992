import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runChecked, runToEnd } from '../../../compat-tests/process.ts'
import { startBroker } from '../../../src/index.ts'
import type { TestBroker } from '../../../src/testing/test-broker.ts'
import { cleanEnvironment, SOURCE, temporaryFolder } from '../../support/process.ts'
import { odradek } from './program.ts'

let broker: TestBroker
let environment: Record<string, string>

function has(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0
}

beforeAll(async () => {
  broker = await startBroker({ topics: ['orders', 'stock'] })
  const folder = temporaryFolder()
  const command = path.join(folder, 'odradek')
  writeFileSync(command, `#!/bin/sh\nexec '${SOURCE[0]}' '${SOURCE[1]}' "$@"\n`)
  chmodSync(command, 0o755)
  environment = {
    ...cleanEnvironment(),
    PATH: `${folder}:${process.env['PATH']}`,
    ODRADEK_BOOTSTRAP_SERVER: broker.bootstrapServers,
  }
})
afterAll(() => broker.close())

/** As bash does when Tab is pressed at the end of the words. */
const PRESS_TAB = `
eval "$(odradek completion bash)"
COMP_LINE="$*" COMP_POINT=\${#COMP_LINE} COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_odradek
printf '%s\\n' "\${COMPREPLY[@]}"
`

describe.skipIf(!has('bash'))('the completion of bash (needs bash)', () => {
  async function press(...words: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await runToEnd('bash', ['-c', PRESS_TAB, 'bash', 'odradek', ...words], {
      env: environment,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout.split('\n').filter(Boolean)
  }

  it.each([
    [['to'], ['topics']],
    [
      ['topics', ''],
      ['list', 'describe', 'create', 'add-partitions', 'empty', 'delete'],
    ],
    [['topics', 'create', 'x', '--part'], ['--partitions']],
    [['topics', 'describe', 'o'], ['orders']],
    [
      ['consume', '--follow', ''],
      ['orders', 'stock'],
    ],
    [
      ['produce', 'orders', '--compression', ''],
      ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    ],
    [['groups', 'reset', 'g', '-t', 's'], ['stock']],
    [['configs', 'set', 't'], ['topic']],
    [['--dur'], ['--durability']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ])('%j', async (words, expected) => {
    expect(await press(...words)).toEqual(expected)
  })
})

/** A shell within the shell, at whose keyboard Tab is pressed. */
const PRESS_TAB_IN_ZSH = `
zmodload zsh/zpty
zpty shell "zsh -f"
zpty -w shell 'PS1=; autoload -U compinit && compinit -u -D; source <(odradek completion zsh); echo REA""DY'
zpty -r shell ready '*READY*'
zpty -n -w shell "$1"$'\\t'
zpty -r shell answer "*$2*" && print found
`

describe.skipIf(!has('zsh'))('the completion of zsh (needs zsh)', () => {
  it.each([
    ['odradek pro', 'produce'],
    ['odradek topics des', 'describe'],
    ['odradek topics describe o', 'orders'],
    ['odradek consume orders --fol', '--follow'],
    ['odradek produce orders --compression zs', 'zstd'],
  ])('%s', async (line, expected) => {
    const { stdout } = await runToEnd('zsh', ['-fc', PRESS_TAB_IN_ZSH, 'zsh', line, expected], { env: environment })
    expect(stdout).toBe('found\n')
  })
})

describe.skipIf(!has('fish'))('the completion of fish (needs fish)', () => {
  it.each([
    ['odradek to', 'topics'],
    ['odradek topics describe o', 'orders'],
    ['odradek produce orders --compression z', 'zstd'],
  ])('%s', async (line, expected) => {
    const script = `odradek completion fish | source; complete -C '${line}'`
    const { stdout } = await runChecked('fish', ['-c', script], { env: environment })
    expect(stdout.split('\n').map((one) => one.split('\t')[0])).toContain(expected)
  })
})

it('a shell that there is no completion for is refused', async () => {
  const { code, stderr } = await odradek(null, ['completion', 'tcsh'])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('give one of bash, zsh, fish') })
})
