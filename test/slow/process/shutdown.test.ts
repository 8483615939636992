import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, hasCleanShutdownMark } from '../../support/process.ts'
import { WireClient } from '../../support/wire-client.ts'

/** How long parked requests would wait if nobody answered them: an end far below shows that somebody did. */
const PARKED_MS = 60_000
const SOON = PARKED_MS / 20

const longPoll = (topic: string) => ({
  maxWaitMs: PARKED_MS,
  minBytes: 1_000_000_000,
  topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
  forgottenTopicsData: [],
})

const join = (memberId: string) => ({
  groupId: 'waiting',
  sessionTimeoutMs: PARKED_MS,
  rebalanceTimeoutMs: PARKED_MS,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
})

async function startWithTopic(topic: string): Promise<{ broker: BrokerProcess; client: PlainClient }> {
  const broker = await BrokerProcess.start()
  const client = await PlainClient.connect(broker.port)
  await client.createTopic(topic)
  return { broker, client }
}

describe('shutdown', () => {
  afterEach(endAll)

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s ends it with 0 and leaves the mark of a clean end',
    async (signal) => {
      const { broker, client } = await startWithTopic('kept')
      await client.produce('kept', ['a'])
      expect(hasCleanShutdownMark(broker.data)).toBe(false)
      const ended = await broker.end(signal)
      expect(ended).toMatchObject({ code: 0, signal: null })
      expect(hasCleanShutdownMark(broker.data)).toBe(true)
      expect(existsSync(path.join(broker.data, '.lock'))).toBe(false)
      expect(ended.stderr).not.toMatch(/\n\s+at /)
    },
  )

  it('kill -9 leaves no such mark', async () => {
    const { broker } = await startWithTopic('kept')
    expect(await broker.end('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' })
    expect(hasCleanShutdownMark(broker.data)).toBe(false)
  })

  it('a parked fetch and a parked join are answered and hold nothing up', async () => {
    const { broker, client } = await startWithTopic('quiet')
    const members = await Promise.all([1, 2].map(() => WireClient.connect(broker.port)))
    const first = await members[0]!.send(JoinGroup, 3, join(''))
    expect(first.errorCode).toBe(0)
    // The second member waits until the first has joined again, which it never does.
    const parkedJoin = members[1]!.send(JoinGroup, 3, join(''))
    const parkedFetch = client.wire.send(Fetch, 11, longPoll('quiet'))
    const other = await PlainClient.connect(broker.port)
    await other.commit('unrelated', 'quiet', 1)

    const ended = await broker.end('SIGTERM')
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(ended.tookMs).toBeLessThan(SOON)
    expect((await parkedFetch).responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0 })
    expect((await parkedJoin).errorCode).not.toBe(0)
    expect(hasCleanShutdownMark(broker.data)).toBe(true)
  })

  it('idle connections, one that sent half a frame, and a client that does not read hold nothing up', async () => {
    const { broker, client } = await startWithTopic('large')
    for (let round = 0; round < 20; round++) await client.produce('large', ['x'.repeat(900_000)])
    const idle = await Promise.all(Array.from({ length: 50 }, () => WireClient.connect(broker.port)))
    idle[0]!.sendBytes(Buffer.from([0, 0, 1, 0, 0]))
    const slow = await WireClient.connect(broker.port)
    slow.pause()
    for (let at = 0; at < 50; at++) slow.post(Fetch, 11, { ...longPoll('large'), minBytes: 1, maxWaitMs: 0 })
    await client.produce('large', ['after'])

    const ended = await broker.end('SIGTERM')
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(ended.tookMs).toBeLessThan(SOON)
    expect(hasCleanShutdownMark(broker.data)).toBe(true)
  })

  it('nobody reads what it prints any more: it serves and ends as always', async () => {
    const { broker, client } = await startWithTopic('kept')
    broker.child.stdout?.destroy()
    broker.child.stderr?.destroy()
    await client.produce('kept', ['a'])
    const bad = await WireClient.connect(broker.port)
    // Closed with a line in the log, which nobody takes.
    bad.sendBytes(Buffer.from([0x7f, 0xff, 0xff, 0xff]))
    await bad.closed
    await client.produce('kept', ['b'])
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 0, signal: null })
    expect(hasCleanShutdownMark(broker.data)).toBe(true)
  })

  it('a second signal while it ends changes nothing', async () => {
    const { broker, client } = await startWithTopic('kept')
    await client.produce('kept', ['a'])
    broker.child.kill('SIGTERM')
    broker.child.kill('SIGINT')
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 0, signal: null })
    expect(hasCleanShutdownMark(broker.data)).toBe(true)
  })

  it('what was acknowledged just before the signal is there after the next start, committed offsets too', async () => {
    const { broker, client } = await startWithTopic('kept')
    const values: string[] = []
    for (let at = 0; at < 50; at++) {
      values.push(`v${at}`)
      await client.produce('kept', [`v${at}`], { acks: at % 2 === 0 ? -1 : 1 })
    }
    await client.commit('readers', 'kept', 17)
    await broker.end('SIGTERM')

    const again = await BrokerProcess.start({ data: broker.data })
    const reader = await PlainClient.connect(again.port)
    expect(await reader.partitionCount('kept')).toBe(1)
    expect(await reader.readAll('kept')).toEqual(values)
    expect(await reader.committed('readers', 'kept')).toBe(17)
    expect(await reader.produce('kept', ['next'])).toBe(values.length)
    expect(hasCleanShutdownMark(broker.data)).toBe(false)
    const { stderr } = await again.end('SIGTERM')
    expect(stderr).not.toContain('recover')
  })
})
