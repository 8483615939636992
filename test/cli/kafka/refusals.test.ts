import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { TOOLS } from '../../../src/cli/kafka/tools.ts'
import { nodeDependencies } from '../../../src/client/node-client.ts'
import { TOOL_CASES } from './cases.ts'
import { masked, type ToolOutcome } from './masked.ts'
import { runInProcess } from './tool-run.ts'

const recorded: ToolOutcome[] = JSON.parse(readFileSync(path.join(import.meta.dirname, 'on-kafka.json'), 'utf8'))

/** These need to know the group first. */
const AFTER_CONNECTING = /^(?:One of the reset scopes|Option '\[reset-offsets\]' requires)/

const refusals = TOOL_CASES.flatMap((call, index) => {
  const outcome = recorded[index]!
  const isRefusal = outcome.errors.includes('<usage>') && !AFTER_CONNECTING.test(outcome.errors)
  return isRefusal && call.differs === undefined ? [{ ...call, outcome }] : []
})

describe('arguments that do not go together are refused in the words of Kafka, before anything is sent', () => {
  it('knows many of them', () => {
    expect(refusals.length).toBeGreaterThan(30)
  })

  it.each(refusals.map((call) => [`${call.tool} ${call.args.join(' ')}`, call] as const))(
    '%s',
    async (_, { tool, args, outcome }) => {
      const dialer: typeof nodeDependencies.dialer = {
        dial: async () => {
          throw new Error('nothing may be sent')
        },
      }
      const options = { args: args.map((arg) => arg.replace('{bootstrap}', 'localhost:1')) }
      const run = await runInProcess(await TOOLS[tool]!(), {
        ...options,
        dependencies: { ...nodeDependencies, dialer },
      })
      const { code, output, errors } = outcome
      expect(masked(run, { bootstrap: 'localhost:1', directory: '{dir}' })).toEqual({ code, output, errors })
    },
  )
})
