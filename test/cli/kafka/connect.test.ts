import { describe, expect, it } from 'vitest'
import { connect } from '../../../src/cli/kafka/connect.ts'
import { processIo } from '../../../src/cli/kafka/process-io.ts'
import { ToolFailure } from '../../../src/cli/kafka/tool-failure.ts'
import type { ToolClient, ToolIo } from '../../../src/cli/kafka/tool-io.ts'
import { ClientError } from '../../../src/client/client-error.ts'
import { nodeDependencies } from '../../../src/client/node-client.ts'

const CLIENT = {} as ToolClient

/** A clock that only pauses move, and a client that comes after so many failures. */
function world(failures: readonly Error[]) {
  let nowMs = 0
  let tries = 0
  const errors: string[] = []
  const io: ToolIo = {
    ...processIo(nodeDependencies),
    err: (text) => void errors.push(text),
    clock: { nowMs: () => 0, monotonicMs: () => nowMs, schedule: () => ({ cancel: () => {} }) },
    pause: async (ms) => {
      nowMs += ms
    },
    openClient: async () => {
      const failure = failures[Math.min(tries++, failures.length - 1)]
      if (failure === undefined || tries > failures.length) return CLIENT
      throw failure
    },
  }
  return { io, errors, tries: () => tries, nowMs: () => nowMs }
}

const OPTIONS = {
  bootstrap: 'localhost:9092',
  properties: new Map<string, string>(),
  clientId: 'c',
  call: 'listTopics',
}
const UNREACHABLE = new ClientError('unreachable', 'nothing listens there')

describe('how a tool reaches a broker', () => {
  it('a start script that waits for the broker by calling a tool is kept waiting', async () => {
    const { io, errors, tries } = world([UNREACHABLE, UNREACHABLE, UNREACHABLE])
    expect(await connect(io, OPTIONS)).toBe(CLIENT)
    expect(tries()).toBe(4)
    expect(errors).toEqual([expect.stringMatching(/ WARN nothing listens there; trying for 60 s\n$/)])
  })

  it('gives up after a minute, or after what the properties say', async () => {
    const forever = Array.from({ length: 1000 }, () => UNREACHABLE)
    const first = world(forever)
    await expect(connect(first.io, OPTIONS)).rejects.toThrow(
      'Timed out waiting for a node assignment. Call: listTopics',
    )
    expect(first.nowMs()).toBe(60_000)
    const second = world(forever)
    const properties = new Map([['default.api.timeout.ms', '1500']])
    await expect(connect(second.io, { ...OPTIONS, properties })).rejects.toThrow(ToolFailure)
    expect(second.nowMs()).toBe(1500)
  })

  it('a health check is told at once', async () => {
    const { io, tries } = world([UNREACHABLE])
    await expect(connect(io, { ...OPTIONS, patient: false })).rejects.toThrow('Timed out')
    expect(tries()).toBe(1)
  })

  it('a host that nobody knows is an error at once', async () => {
    const cause = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })
    const unknown = new ClientError('unreachable', 'nobody knows it', { cause })
    const all = (...errors: Error[]) => new ClientError('unreachable', 'none', { cause: new AggregateError(errors) })
    const { io, tries } = world([all(unknown, unknown)])
    await expect(connect(io, OPTIONS)).rejects.toThrow('No resolvable bootstrap urls given in bootstrap.servers')
    expect(tries()).toBe(1)
    expect(await connect(world([all(unknown, UNREACHABLE)]).io, OPTIONS)).toBe(CLIENT)
  })

  it.each(['nonsense', 'localhost', 'a:1,b'])('%s is no address', async (bootstrap) => {
    await expect(connect(world([]).io, { ...OPTIONS, bootstrap })).rejects.toThrow('Invalid url in bootstrap.servers')
  })

  it('refuses a timeout that is no number', async () => {
    const properties = new Map([['default.api.timeout.ms', 'soon']])
    await expect(connect(world([]).io, { ...OPTIONS, properties })).rejects.toThrow('Invalid value soon')
  })
})
