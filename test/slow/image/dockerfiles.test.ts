import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import { endAll, repository, temporaryFolder } from '../../support/process.ts'

const read = (file: string) => readFileSync(path.join(repository, file), 'utf8')
/** From the last FROM on. */
const lastStage = (dockerfile: string) => dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))

describe('recipes of the image', () => {
  afterEach(endAll)

  it('end in the same image, wherever its files come from', () => {
    const copied = lastStage(read('Dockerfile')).replaceAll('--from=build /context/', '')
    expect(copied).toBe(lastStage(read('docker/packed.Dockerfile')))
  })

  it('the packed one runs no package manager and fetches nothing', () => {
    const recipe = read('docker/packed.Dockerfile')
    expect(recipe).not.toMatch(/^ADD |^# syntax=/m)
    const commands = [...recipe.matchAll(/^RUN (?:sh (\S+)$)?/gm)].map((match) => match[1])
    expect(commands).toEqual(['/opt/odradek/image/install.sh', '/opt/odradek/image/warm-up.sh'])
    for (const script of commands) {
      expect(read(path.join('docker/rootfs', script!))).not.toMatch(/\b(?:npm|npx|apt|apt-get|apk|curl|wget|git)\b/)
    }
  })

  it('its context holds the package, the modules it needs, the scripts and the recipe', async () => {
    const folder = temporaryFolder()
    const packing = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder]
    const tarball = execFileSync('npm', packing, { cwd: repository, encoding: 'utf8' }).trim()
    const context = path.join(folder, 'context')
    const args = ['docker/context.ts', context, '--tarball', path.join(folder, tarball)]
    expect(await runToEnd(process.execPath, args, { cwd: repository })).toMatchObject({ code: 0, stdout: '' })
    expect(readdirSync(context).sort()).toEqual(['Dockerfile', 'odradek', 'rootfs'])
    const modules = readdirSync(path.join(context, 'odradek/node_modules'))
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    expect(modules).toEqual(expect.arrayContaining(Object.keys(dependencies)))
    expect(modules).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(?:vitest|typescript|kafkajs|node)$/)]))
    expect(existsSync(path.join(context, 'odradek/bin/odradek.cjs'))).toBe(true)
    expect(existsSync(path.join(context, 'odradek/src'))).toBe(false)
  })

  it.each([[[]], [['--help']], [['a', '--tarball']], [['a', 'b']]])(
    'context.ts explains itself after %j',
    async (words) => {
      const args = ['docker/context.ts', ...words]
      expect(await runToEnd(process.execPath, args, { cwd: repository })).toMatchObject({
        code: 1,
        stderr: 'Usage: node docker/context.ts DIR [--tarball FILE]\n',
      })
    },
  )
})
