import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compatibilityPage } from '../scripts/compatibility-page.ts'
import type { Target } from './broker.ts'
import { type ClientDefinition, clients } from './catalog.ts'
import { recordResults } from './recorded-results.ts'
import type { Result } from './session.ts'
import { runSuite } from './suite.ts'
import { prepare, repositoryRoot, type Toolchain } from './toolchains.ts'

const USAGE = `node compat-tests/run.ts [--target odradek|kafka] [--client NAME …] [--scenario NAME …] [--parallel N] [--list] [--record]`

interface CommandLine {
  target: Target
  clients: readonly ClientDefinition[]
  scenarios: readonly string[]
  parallel: number
  list: boolean
  record: boolean
}

function parseCommandLine(): CommandLine {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'odradek' },
      client: { type: 'string', multiple: true, default: [] },
      scenario: { type: 'string', multiple: true, default: [] },
      parallel: { type: 'string', default: '3' },
      list: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  })
  const { target, client: clientNames, scenario: scenarios, list, record } = values
  if (target !== 'odradek' && target !== 'kafka') throw new Error(`--target is odradek or kafka, not ${target}`)
  if (record && target === 'kafka') throw new Error('--record keeps what Odradek does, not Kafka')
  const parallel = Number(values.parallel)
  if (!Number.isInteger(parallel) || parallel < 1) throw new Error('--parallel is a whole number from 1')
  const known = new Set(clients.flatMap((client) => client.scenarios.map(({ name }) => name)))
  for (const name of scenarios) if (!known.has(name)) throw new Error(`no scenario ${name}; --list shows them`)
  for (const name of clientNames) {
    if (!clients.some((client) => client.name === name)) throw new Error(`no client ${name}; --list shows them`)
  }
  const chosen = clients.filter(({ name }) => clientNames.length === 0 || clientNames.includes(name))
  return { target, clients: chosen, scenarios, parallel, list, record }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function printResult({ client, scenario, outcome, durationMs, notes, detail }: Result): void {
  const reason = outcome === 'n/a' ? `  ${detail}` : ''
  print(
    `${client.padEnd(16)} ${scenario.padEnd(36)} ${outcome.padEnd(4)} ${String(durationMs).padStart(6)} ms${reason}`,
  )
  for (const note of notes) print(`${' '.repeat(17)}${note}`)
  if (outcome === 'FAIL' && detail !== undefined) print(detail.replace(/^/gm, '    '))
}

function printList(chosen: readonly ClientDefinition[]): void {
  for (const { name, scenarios } of chosen) {
    for (const scenario of scenarios) print(`${name.padEnd(16)} ${scenario.name.padEnd(36)} ${scenario.fixture}`)
  }
}

/** Installs what the clients need; a client whose toolchain is not there is skipped, or fails where CI has all. */
async function prepareClients(commandLine: CommandLine) {
  const missing = new Map<Toolchain, string>()
  const needed = new Set<Toolchain>(commandLine.clients.map(({ toolchain }) => toolchain))
  if (commandLine.target === 'kafka') needed.add('kafka')
  for (const toolchain of needed) {
    const lack = await prepare(toolchain)
    if (lack !== undefined) missing.set(toolchain, lack.reason)
  }
  const reason = missing.get('kafka')
  if (commandLine.target === 'kafka' && reason !== undefined)
    throw new Error(`Apache Kafka cannot be started: ${reason}`)
  const isStrict = process.env['CI'] === 'true'
  const absent = commandLine.clients.filter(({ toolchain }) => missing.has(toolchain))
  for (const { name, toolchain } of absent) {
    print(`${name.padEnd(16)} ${'*'.padEnd(36)} ${isStrict ? 'FAIL' : 'skip'}  ${missing.get(toolchain)}`)
  }
  return {
    ready: commandLine.clients.filter(({ toolchain }) => !missing.has(toolchain)),
    skipped: isStrict ? 0 : absent.length,
    failed: isStrict ? absent.length : 0,
  }
}

async function main(): Promise<void> {
  const commandLine = parseCommandLine()
  if (commandLine.list) {
    printList(commandLine.clients)
    return
  }
  const { ready, skipped, failed } = await prepareClients(commandLine)
  const { target, scenarios, parallel } = commandLine
  const results = await runSuite({ target, clients: ready, scenarios, parallel, report: printResult })
  if (commandLine.record) {
    recordResults(results)
    writeFileSync(join(repositoryRoot, 'docs', 'compatibility.md'), compatibilityPage())
  }
  const count = (outcome: string) => results.filter((result) => result.outcome === outcome).length
  const failures = count('FAIL') + failed
  const skips = count('n/a') + skipped
  print(`${count('pass')} passed, ${failures} failed${skips > 0 ? `, ${skips} skipped` : ''}`)
  process.exitCode = failures > 0 || results.length === 0 ? 1 : 0
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
  process.exitCode = 1
})
