import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runToEnd } from '../compat-tests/process.ts'

/**
 * The examples against the package as it would be published: packed, installed from the registry into a copy of each
 * example, and its tests run there. `node examples/run.ts [NAME …] [--parallel N]`
 */
const root = path.resolve(import.meta.dirname, '..')
const names = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
/** Of npm and of the tests; two at a time on two cores. */
const TIMEOUT_MS = 150_000
const npm = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

interface Outcome {
  readonly name: string
  readonly passed: boolean
  readonly durationMs: number
  readonly output: string
}

async function pack(destination: string): Promise<string> {
  const { code, stdout, stderr } = await runToEnd('npm', ['pack', '--json', '--pack-destination', destination], {
    cwd: root,
    timeoutMs: TIMEOUT_MS,
  })
  if (code !== 0) throw new Error(`npm pack ended with ${code}\n${stdout}${stderr}`)
  return path.join(destination, readdirSync(destination).find((name) => name.endsWith('.tgz'))!)
}

async function run(name: string, tarball: string, workplace: string): Promise<Outcome> {
  const startedMs = performance.now()
  const cwd = path.join(workplace, name)
  cpSync(path.join(import.meta.dirname, name), cwd, { recursive: true })
  const manifest = path.join(cwd, 'package.json')
  const content = JSON.parse(readFileSync(manifest, 'utf8')) as { devDependencies: Record<string, string> }
  content.devDependencies['odradek'] = `file:${tarball}`
  writeFileSync(manifest, JSON.stringify(content, null, 2))
  let output = ''
  for (const args of [['install', ...npm], ['test']]) {
    const { code, stdout, stderr } = await runToEnd('npm', args, { cwd, timeoutMs: TIMEOUT_MS })
    output += `$ npm ${args.join(' ')}\n${stdout}${stderr}`
    if (code !== 0) return { name, passed: false, durationMs: performance.now() - startedMs, output }
  }
  return { name, passed: true, durationMs: performance.now() - startedMs, output }
}

function print({ name, passed, durationMs, output }: Outcome): void {
  process.stdout.write(
    `${name.padEnd(16)} ${passed ? 'ok  ' : 'FAIL'} ${String(Math.round(durationMs)).padStart(6)} ms\n`,
  )
  if (!passed) process.stdout.write(output.replace(/^/gm, '    '))
}

const { values, positionals } = parseArgs({
  options: { parallel: { type: 'string', default: '2' } },
  allowPositionals: true,
})
for (const name of positionals)
  if (!names.includes(name)) throw new Error(`no example ${name}; there is ${names.join(', ')}`)
const waiting = positionals.length > 0 ? [...positionals] : [...names]
const workplace = mkdtempSync(path.join(tmpdir(), 'odradek-examples-'))
let [passed, failed] = [0, 0]
try {
  const tarball = await pack(workplace)
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const outcome = await run(name, tarball, workplace)
      print(outcome)
      if (outcome.passed) passed++
      else failed++
    }
  }
  await Promise.all(Array.from({ length: Number(values.parallel) }, worker))
} finally {
  rmSync(workplace, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
