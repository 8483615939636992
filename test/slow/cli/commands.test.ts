import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import { startBroker } from '../../../src/index.ts'
import type { TestBroker } from '../../../src/testing/test-broker.ts'
import { BrokerProcess, endAll, SOURCE } from '../../support/process.ts'
import { type Outcome, odradek as program, type RunOptions } from './program.ts'

let broker: TestBroker

beforeEach(async () => {
  broker = await startBroker()
})
afterEach(async () => {
  await broker.close()
  endAll()
})

function odradek(...args: string[]): Promise<Outcome> {
  return program(broker.bootstrapServers, args)
}

/** What it prints; fails unless it ends with 0. */
async function done(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await program(broker.bootstrapServers, args, options)
  expect(code, stderr).toBe(0)
  return stdout
}

async function json(...args: string[]): Promise<unknown> {
  return JSON.parse(await done([...args, '--json']))
}

describe('odradek topics', () => {
  it('makes, shows, grows, empties and deletes them', async () => {
    expect(await json('topics', 'create', 'orders', '-p', '2', '--config', 'retention.ms=1000')).toEqual({
      name: 'orders',
      created: true,
      partitions: 2,
    })
    await done(['produce', 'orders'], { input: 'a\nb\n' })
    expect(await json('topics', 'list')).toEqual([
      expect.objectContaining({ name: 'orders', internal: false, partitions: 2, replicationFactor: 1, records: 2 }),
    ])
    expect(await json('topics', 'add-partitions', 'orders', '--partitions', '3')).toEqual({
      name: 'orders',
      partitions: 3,
    })
    const described = (await json('topics', 'describe', 'orders')) as { partitions: { start: number; end: number }[] }
    expect(described).toMatchObject({ name: 'orders', configs: { 'retention.ms': '1000' } })
    expect(described.partitions.map(({ end }) => end).sort()).toEqual([0, 0, 2])
    await done(['topics', 'empty', 'orders', '--yes'])
    const emptied = (await json('topics', 'describe', 'orders')) as typeof described
    expect(emptied.partitions.every(({ start, end }) => start === end)).toBe(true)
    expect(await done(['topics', 'list'])).toBe(
      'TOPIC   PARTITIONS  REPLICAS  RECORDS\norders           3         1        0\n',
    )
    expect(await json('topics', 'delete', 'orders', '-y')).toEqual({ deleted: ['orders'] })
    expect(await json('topics', 'list')).toEqual([])
  })

  it('say what is wrong, and how it is typed', async () => {
    await done(['topics', 'create', 'orders'])
    const cases: [args: string[], code: number, message: string][] = [
      [['topics', 'create', 'orders'], 1, "TOPIC_ALREADY_EXISTS: Topic 'orders' already exists."],
      [['topics', 'describe', 'nothing'], 1, 'there is no topic nothing; odradek topics list shows'],
      [['topics', 'delete', 'orders'], 2, 'Delete orders with 0 records? Nobody is there to ask: add --yes'],
      [['topics', 'create'], 2, 'the name of the topic is missing (odradek topics create --help tells more)'],
      [['topics', 'create', 'x', '--partitions', 'many'], 2, '--partitions many: give a whole number from 1'],
      [['topics', 'create', 'x', '--colour'], 2, "unknown option '--colour'"],
      [['topics', 'paint'], 2, "there is no command 'topics paint' (odradek topics --help tells more)"],
      [['paint'], 2, "there is no command 'paint' (odradek --help tells more)"],
    ]
    for (const [args, code, message] of cases) {
      const outcome = await odradek(...args)
      expect(outcome).toMatchObject({ code, stdout: '' })
      expect(outcome.stderr).toMatch(/^odradek: [^\n]+\n$/)
      expect(outcome.stderr).toContain(message)
    }
    const again = (await json('topics', 'create', 'orders', '--if-not-exists')) as object
    expect(again).toEqual({ name: 'orders', created: false, partitions: 1 })
  })

  it('a broker that is not there is one line and 1', async () => {
    const { code, stdout, stderr } = await program('127.0.0.1:1', ['topics', 'list'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe('odradek: no broker answers: 127.0.0.1:1: nothing listens there (connection refused)\n')
  })
})

describe('odradek produce and consume', () => {
  it('lines, keys, headers and formats', async () => {
    const input = 'k1:v1\nk2:v:2\n'
    expect(
      (await program(broker.bootstrapServers, ['produce', 't', '-k', ':', '-H', 'h=x', '-z', 'zstd'], { input }))
        .stderr,
    ).toBe('2 records to t\n')
    expect(await done(['consume', 't'])).toBe('v1\nv:2\n')
    expect(await done(['consume', 't', '--format', '%p/%o %k=%s %h\\n', '--from', '-1'])).toBe('0/1 k2=v:2 h=x\n')
    expect(await done(['consume', 't', '--from', '0', '-n', '1'])).toBe('v1\n')
    expect(await done(['consume', 't', '--from', 'end'])).toBe('')
    const bad = await program(broker.bootstrapServers, ['produce', 't', '-k', ':'], { input: 'a:b\nno key\n' })
    const message = "odradek: line 2: there is no ':' between key and value; 0 records before it went to t\n"
    expect(bad).toEqual({ code: 1, stdout: '', stderr: message })
  })

  it('a topic goes through JSON to another as it is', async () => {
    const input = `${JSON.stringify({ key: 'k', value: 'v', headers: { h: 'x' }, timestamp: 5 })}\n{"valueBase64":"/wA="}\n{"key":"gone","value":null}\n`
    expect(JSON.parse(await done(['produce', 'a', '--json'], { input }))).toEqual({
      topic: 'a',
      records: 3,
      partitions: [{ partition: 0, records: 3 }],
    })
    const lines = await done(['consume', 'a', '--json'])
    await done(['produce', 'b', '--json'], { input: lines })
    const copy = await done(['consume', 'b', '--json'])
    expect(copy.replaceAll('"topic":"b"', '"topic":"a"')).toBe(lines)
    expect(JSON.parse(lines.split('\n')[0]!)).toEqual({
      topic: 'a',
      partition: 0,
      offset: 0,
      timestamp: 5,
      key: 'k',
      value: 'v',
      headers: [{ key: 'h', value: 'x' }],
    })
  })

  it('megabytes, in order', async () => {
    const input = Array.from({ length: 100_000 }, (_, at) => `line ${at} ${'x'.repeat(at % 50)}\n`).join('')
    await done(['produce', 't', '--compression', 'lz4'], { input })
    expect((await done(['consume', 't'])) === input).toBe(true)
  })

  it.runIf(process.platform !== 'win32')(
    'a reader that has seen enough is no failure, and a member leaves its group',
    async () => {
      await done(['produce', 't'], { input: 'line\n'.repeat(50_000) })
      const line = `'${SOURCE[0]}' '${SOURCE[1]}' consume t --follow -g g -b ${broker.bootstrapServers} | head -1`
      expect(await runToEnd('sh', ['-c', line])).toEqual({ code: 0, stdout: 'line\n', stderr: '' })
      expect(await json('groups', 'describe', 'g')).toMatchObject({ state: 'Empty', members: [] })
    },
  )

  it('follows, and ends in good order when it is interrupted', async () => {
    await done(['produce', 't'], { input: 'a\n' })
    const following = program(broker.bootstrapServers, ['consume', 't', '--follow', '-g', 'readers'], {
      interruptAfter: 'b',
    })
    await broker.waitForGroup('readers', 'assigned')
    await done(['produce', 't'], { input: 'b\n' })
    expect(await following).toEqual({ code: 0, stdout: 'a\nb\n', stderr: '' })
    expect(await json('groups', 'describe', 'readers')).toMatchObject({
      state: 'Empty',
      members: [],
      partitions: [{ topic: 't', partition: 0, committed: 2, end: 2, lag: 0, memberId: null }],
    })
  })
})

describe('odradek groups', () => {
  it('go on where they have stopped, and where they are told to', async () => {
    await done(['produce', 't'], { input: 'a\nb\nc\n' })
    expect(await done(['consume', 't', '-g', 'g', '-n', '2'])).toBe('a\nb\n')
    expect(await done(['groups', 'list'])).toMatch(/^GROUP {2}STATE .*\ng {6}Empty .*\n$/)
    expect(await json('groups', 'reset', 'g', '-t', 't', '--to', '1')).toEqual({
      group: 'g',
      executed: false,
      partitions: [{ topic: 't', partition: 0, from: 2, to: 1 }],
    })
    expect(await done(['consume', 't', '-g', 'g', '-n', '1'])).toBe('c\n')
    await done(['groups', 'reset', 'g', '-t', 't:0', '--to', '-2', '--execute'])
    expect(await done(['consume', 't', '-g', 'g'])).toBe('b\nc\n')
    expect(await json('groups', 'delete', 'g', '--yes')).toEqual({ deleted: ['g'] })
    expect((await odradek('groups', 'describe', 'g')).stderr).toContain('there is no group g')
  })

  it('with members are neither reset nor deleted', async () => {
    await done(['produce', 't'], { input: 'a\n' })
    const member = program(broker.bootstrapServers, ['consume', 't', '-F', '-g', 'g'], { interruptAfter: 'end' })
    await broker.waitForGroup('g', 'assigned')
    for (const args of [
      ['delete', 'g', '-y'],
      ['reset', 'g', '-t', 't', '--to', 'end', '--execute'],
    ]) {
      const { code, stderr } = await odradek('groups', ...args)
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('the group g has members; stop them first'),
      })
    }
    expect(await done(['groups', 'describe', 'g'])).toContain('odradek-cli')
    await done(['produce', 't'], { input: 'end\n' })
    expect((await member).code).toBe(0)
  })
})

describe('odradek configs', () => {
  it('are shown, set and taken back', async () => {
    await done(['topics', 'create', 't'])
    await done(['configs', 'set', 'topic', 't', 'retention.ms=5', 'cleanup.policy=compact'])
    expect(await done(['configs', 'describe', 'topic', 't'])).toBe(
      'SETTING         VALUE    FROM\ncleanup.policy  compact  topic\nretention.ms    5        topic\n',
    )
    await done(['configs', 'unset', 'topic', 't', 'cleanup.policy'])
    const left = (await json('configs', 'describe', 'topic', 't')) as { name: string }[]
    expect(left.map(({ name }) => name)).toEqual(['retention.ms'])
    await done(['configs', 'set', 'broker', 'default', 'log.retention.ms=7'])
    const all = (await json('configs', 'describe', 'broker', '1', '--all')) as { name: string; value: string }[]
    expect(all.find(({ name }) => name === 'log.retention.ms')).toMatchObject({ value: '7', source: 'all brokers' })
    const { code, stderr } = await odradek('configs', 'set', 'topic', 't', 'no.such=1')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('INVALID_CONFIG') })
    expect((await odradek('configs', 'describe', 'planet', 'x')).code).toBe(2)
  })
})

describe('odradek doctor', () => {
  it('ends with 0 where a client can go, and with 1 where it cannot', async () => {
    const fine = await odradek('doctor', broker.bootstrapServers)
    expect(fine).toMatchObject({ code: 0, stderr: '' })
    expect(fine.stdout).toContain(`A client on this machine can use ${broker.bootstrapServers}.`)
    const bad = await odradek('doctor', '127.0.0.1:1', '--json')
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.stdout)).toMatchObject({ address: '127.0.0.1:1', ok: false })
  })
})

describe('odradek verify and backup', () => {
  it('print JSON for scripts', async () => {
    const running = await BrokerProcess.start()
    const copy = `${running.data}-copy`
    const backup = await program(null, ['backup', running.data, copy, '--json'])
    expect(JSON.parse(backup.stdout)).toMatchObject({ destination: copy, clean: false })
    expect(await running.end('SIGTERM')).toMatchObject({ code: 0 })
    const verify = await program(null, ['verify', running.data, '--json'])
    expect(JSON.parse(verify.stdout)).toMatchObject({ state: 'clean', errors: 0, notes: 0, findings: [] })
    expect((await program(null, ['verify'])).code).toBe(2)
  })
})
