import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TOOLS } from '../../../src/cli/kafka/tools.ts'
import { nodeDependencies } from '../../../src/client/node-client.ts'
import { TOOL_CASES } from '../../cli/kafka/cases.ts'
import { masked, type ToolOutcome } from '../../cli/kafka/masked.ts'
import { runInProcess } from '../../cli/kafka/tool-run.ts'
import { BrokerProcess, endAll } from '../../support/process.ts'

/**
 * What the tools of Apache Kafka 4.3.1 printed when they were called against a broker of ours: written by
 * `node compat-tests/kafka-tools.ts --record`, which also compares both brokers and both tools.
 */
const recorded: (ToolOutcome & { call: string })[] = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', '..', 'cli', 'kafka', 'on-odradek.json'), 'utf8'),
)

describe("the tools print and end as Kafka's own", () => {
  let bootstrap: string
  let directory: string
  beforeAll(async () => {
    bootstrap = `localhost:${(await BrokerProcess.start()).port}`
    directory = mkdtempSync(path.join(tmpdir(), 'odradek-tools-'))
  })
  afterAll(async () => {
    await endAll()
    rmSync(directory, { recursive: true })
  })

  it('has an outcome for every call', () => {
    expect(recorded.map(({ call }) => call)).toEqual(TOOL_CASES.map(({ tool, args }) => `${tool} ${args.join(' ')}`))
  })

  it.each(TOOL_CASES.map((call, index) => [`${call.tool} ${call.args.join(' ')}`, call, index] as const))(
    '%s',
    async (_, { tool, args, input, file, anyOrder = false, differs }, index) => {
      const fill = (text: string) => text.replaceAll('{bootstrap}', bootstrap).replaceAll('{dir}', directory)
      if (file !== undefined) writeFileSync(path.join(directory, file.name), fill(file.text))
      const options = {
        args: args.map(fill),
        dependencies: nodeDependencies,
        ...(input === undefined ? {} : { input }),
      }
      const outcome = masked(await runInProcess(await TOOLS[tool]!(), options), { bootstrap, directory, anyOrder })
      const { code, output, errors } = recorded[index]!
      if (differs === undefined) expect(outcome).toEqual({ code, output, errors })
      else expect(outcome, differs).not.toEqual({ code, output, errors })
    },
    20_000,
  )

  it('a consumer waits for a topic, and notices partitions that are added', async () => {
    const run = async (tool: string, args: readonly string[], input = '') => {
      const options = { args: ['--bootstrap-server', bootstrap, ...args], input, dependencies: nodeDependencies }
      return runInProcess(await TOOLS[tool]!(), options)
    }
    const wanted = ['--topic', 'later', '--from-beginning', '--max-messages', '7', '--timeout-ms', '30000']
    const consuming = run('kafka-console-consumer', wanted)
    await run('kafka-console-producer', ['--topic', 'later'], 'first\n')
    expect((await run('kafka-topics', ['--alter', '--topic', 'later', '--partitions', '4'])).code).toBe(0)
    const lines = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `${key}:${key}`)
    const keyed = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
    await run('kafka-console-producer', ['--topic', 'later', ...keyed], lines.join('\n'))
    const { code, output, errors } = await consuming
    expect({ code, lines: output.trim().split('\n').sort() }).toEqual({
      code: 0,
      lines: ['a', 'b', 'c', 'd', 'e', 'f', 'first'],
    })
    expect(errors).toMatch(/Processed a total of 7 messages\n$/)
    const used = (await run('kafka-get-offsets', ['--topic', 'later'])).output
      .split('\n')
      .filter((line) => / ?:[1-9]$/.test(line))
    expect(used.length, 'partitions in use').toBeGreaterThan(1)
  }, 60_000)
})
