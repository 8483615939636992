import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, filesIn } from '../../support/process.ts'
import { expectSound, odradek, restored } from '../process/backup-command.ts'

/** Files that say of which version they are, and how. */
const NEWER: readonly [file: string, from: RegExp, to: string][] = [
  ['meta.properties', /version=1/, 'version=2'],
  ...['recovery-point', 'log-start', 'replication', 'cleaner'].map((name): [string, RegExp, string] => {
    return [`${name}-offset-checkpoint`, /^0\n/, '1\n']
  }),
]
const LOG = 'orders-0/00000000000000000000.log'

describe('odradek verify', () => {
  afterEach(endAll)

  it('finds nothing in a directory that is in use, and says that it is', async () => {
    const broker = await BrokerProcess.start()
    await write(broker)
    const { code, stdout, stderr } = await odradek('verify', broker.data)
    expect(code, stdout).toBe(0)
    expect(stderr).toContain(`${broker.data} is in use by the process ${broker.child.pid}`)
    expect(stdout).toMatch(/\(in use\): 2 partitions, 2 segments, \d+ batches, \d+\.\d MB: 0 errors, 0 notes\n$/)
  })

  it('tells a clean stop from a kill, changes nothing, and ends with 1 only when something is wrong', async () => {
    const data = await stoppedData()
    const before = contentsOf(data)
    expect(await expectSound(data)).toContain('(stopped in order)')
    const cases: [name: string, damage: (data: string) => void, code: number, message: RegExp][] = [
      [
        'a torn tail',
        (at) => tearTail(at, false),
        0,
        /^note: \S+\.log at position \d+.* A write was cut short\. The next/m,
      ],
      ['a torn tail after a clean stop', (at) => tearTail(at, true), 1, /^error: \S+\.log at position \d+/m],
      ['a flipped byte', flipByte, 1, /^error: \S+\.log at position 0, offset 0: the CRC is wrong\. Offset/m],
      [
        'a missing folder',
        (at) => rmSync(path.join(at, 'orders-0'), { recursive: true }),
        1,
        /orders-0: the folder is/m,
      ],
      [
        'a file of somebody else',
        (at) => writeFileSync(path.join(at, 'notes'), ''),
        0,
        /^note: \S+notes: not a file of/m,
      ],
      [
        'no identity',
        (at) => rmSync(path.join(at, 'meta.properties')),
        1,
        /^error: \S+meta\.properties: the file is mi/m,
      ],
      [
        'a newer version',
        newerVersion,
        1,
        /meta\.properties: version 2 is not 1;.*Start it with the version that wrote it\. /m,
      ],
    ]
    for (const [name, damage, code, message] of cases) {
      const copy = restored(data)
      damage(copy)
      const ended = await odradek('verify', copy)
      expect(ended.code, `${name}: ${ended.stdout}${ended.stderr}`).toBe(code)
      expect(ended.stdout, name).toMatch(message)
      expect(ended.stdout, name).not.toMatch(/\.\.|undefined|NaN/)
    }
    expect(contentsOf(data)).toEqual(before)
  })

  it.each([
    [[], 'verify takes one folder'],
    [['a', 'b'], 'verify takes one folder'],
    [['/nowhere'], '/nowhere: there is no such folder'],
    [['package.json'], 'package.json: there is no such folder'],
  ])('%j is refused with one line', async (args, message) => {
    const { code, stdout, stderr } = await odradek('verify', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^odradek: [^\n]+\n$/)
    expect(stderr).toContain(message)
  })

  it('a directory with a file of a newer version is refused by the broker, and no byte of it changes', async () => {
    const data = await stoppedData()
    for (const [file, from, to] of NEWER) {
      const copy = restored(data)
      const content = readFileSync(path.join(copy, file), 'utf8')
      writeFileSync(path.join(copy, file), content.replace(from, to))
      const before = contentsOf(copy)
      const { code, stdout, stderr } = await BrokerProcess.run({ data: copy })
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^odradek: [^\n]+ is left alone\. Start it with the version that wrote it\.\n$/)
      expect(stderr).toContain(`${path.join(copy, file)}: version `)
      expect(contentsOf(copy)).toEqual(before)
    }
  })
})

function contentsOf(data: string): [file: string, content: string][] {
  return filesIn(data).map((file) => [file, readFileSync(path.join(data, file)).toString('base64')])
}

function tearTail(data: string, clean: boolean): void {
  const log = path.join(data, LOG)
  truncateSync(log, statSync(log).size - 3)
  if (clean) return
  for (const mark of ['.kafka_cleanshutdown', '.odradek-manifest', 'recovery-point-offset-checkpoint']) {
    rmSync(path.join(data, mark))
  }
}

function flipByte(data: string): void {
  const log = path.join(data, LOG)
  const content = readFileSync(log)
  content[70]! ^= 1
  writeFileSync(log, content)
}

function newerVersion(data: string): void {
  const file = path.join(data, 'meta.properties')
  writeFileSync(file, readFileSync(file, 'utf8').replace('version=1', 'version=2'))
}

async function stoppedData(): Promise<string> {
  const broker = await BrokerProcess.start()
  await write(broker)
  expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
  return broker.data
}

async function write(broker: BrokerProcess): Promise<void> {
  const client = await PlainClient.connect(broker.port)
  await client.createTopic('orders')
  await client.produce('orders', ['one', 'two'])
  await client.produce('orders', ['three'])
  await client.commit('readers', 'orders', 1)
  await client.close()
}
