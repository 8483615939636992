import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TOOLS } from '../../../src/cli/kafka/tools.ts'
import { nodeDependencies } from '../../../src/client/node-client.ts'
import { startBroker } from '../../../src/index.ts'
import type { TestBroker } from '../../../src/testing/test-broker.ts'
import { TOOL_CASES } from '../../cli/kafka/cases.ts'
import { masked, type ToolOutcome } from '../../cli/kafka/masked.ts'
import { runInProcess } from '../../cli/kafka/tool-run.ts'

/**
 * What the tools of Apache Kafka 4.3.1 printed when they were called against a broker of ours: written by
 * `node compat-tests/kafka-tools.ts --record`, which also compares both brokers and both tools.
 */
const recorded: (ToolOutcome & { call: string })[] = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', '..', 'cli', 'kafka', 'on-odradek.json'), 'utf8'),
)

describe("the tools print and end as Kafka's own", () => {
  let broker: TestBroker
  let directory: string
  beforeAll(async () => {
    broker = await startBroker()
    directory = mkdtempSync(path.join(tmpdir(), 'odradek-tools-'))
  })
  afterAll(async () => {
    await broker.close()
    rmSync(directory, { recursive: true })
  })

  it('has an outcome for every call', () => {
    expect(recorded.map(({ call }) => call)).toEqual(TOOL_CASES.map(({ tool, args }) => `${tool} ${args.join(' ')}`))
  })

  it.each(TOOL_CASES.map((call, index) => [`${call.tool} ${call.args.join(' ')}`, call, index] as const))(
    '%s',
    async (_, { tool, args, input, file, anyOrder = false, differs }, index) => {
      const bootstrap = broker.bootstrapServers
      const fill = (text: string) => text.replaceAll('{bootstrap}', bootstrap).replaceAll('{dir}', directory)
      if (file !== undefined) writeFileSync(path.join(directory, file.name), fill(file.text))
      const options = {
        args: args.map(fill),
        dependencies: nodeDependencies,
        ...(input === undefined ? {} : { input }),
      }
      const outcome = masked(await runInProcess(await TOOLS[tool]!(), options), { bootstrap, directory, anyOrder })
      const { code, output, errors } = recorded[index]!
      if (differs !== undefined) return
      expect(outcome).toEqual({ code, output, errors })
    },
    20_000,
  )
})
