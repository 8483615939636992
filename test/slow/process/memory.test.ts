import { afterEach, describe, expect, it } from 'vitest'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll } from '../../support/process.ts'
import { encodeRequest, WireClient } from '../../support/wire-client.ts'

const MEGABYTE = 1_000_000
const PARTITIONS = 12
const IN_FLIGHT = 8

/** Batches of one size to all partitions in turn, several requests in flight on each connection. */
async function produceMegabytes(port: number, topic: string, batchBytes: number, megabytes: number): Promise<void> {
  const value = Buffer.alloc(batchBytes, 'odradek')
  const batch = buildBatch({ records: [{ timestamp: Date.now(), key: null, value }] })
  const connections = await Promise.all(Array.from({ length: 4 }, () => WireClient.connect(port)))
  const requests = Math.ceil((megabytes * MEGABYTE) / batch.length)
  let sent = 0
  const worker = async (client: WireClient) => {
    while (sent < requests) {
      const index = sent++ % PARTITIONS
      const topicData = [{ name: topic, partitionData: [{ index, records: batch }] }]
      const request = { acks: -1, timeoutMs: 30_000, topicData }
      client.sendBytes(encodeRequest(Produce, 9, request, 1, 'load'))
      const reply = await client.nextFrame()
      // Correlation id, no tagged fields, one topic: its name, one partition, its index, then the error code.
      expect(reply.readInt16BE(4 + 1 + 1 + 1 + topic.length + 1 + 4)).toBe(0)
    }
  }
  await Promise.all(connections.flatMap((client) => Array.from({ length: IN_FLIGHT }, () => worker(client))))
  await Promise.all(connections.map((client) => client.close()))
}

describe.skipIf(process.platform !== 'linux')('memory (read from /proc)', () => {
  afterEach(endAll)

  it.each([
    ['large batches', 900_000, 300],
    ['small batches', 4_000, 100],
  ])('%s: it does not grow with what was produced', async (_, batchBytes, megabytes) => {
    const broker = await BrokerProcess.start({ args: ['--durability', 'os'] })
    const client = await PlainClient.connect(broker.port)
    await client.createTopic('load', PARTITIONS)
    const idle = broker.memory()
    await produceMegabytes(broker.port, 'load', batchBytes, megabytes / 3)
    const third = broker.memory()
    await produceMegabytes(broker.port, 'load', batchBytes, (2 * megabytes) / 3)
    const all = broker.memory()
    const seen = `idle ${inMegabytes(idle.nowBytes)}, peaks ${inMegabytes(third.peakBytes)}, ${inMegabytes(all.peakBytes)}`
    expect(all.peakBytes / idle.nowBytes, seen).toBeLessThan(4)
    expect(all.peakBytes / third.peakBytes, seen).toBeLessThan(1.6)
    await client.close()
  })

  it('clients that ask for much and read nothing do not grow it with what they asked for', async () => {
    const broker = await BrokerProcess.start({ args: ['--durability', 'os'] })
    const client = await PlainClient.connect(broker.port)
    await client.createTopic('load', PARTITIONS)
    await produceMegabytes(broker.port, 'load', 900_000, 100)
    const before = broker.memory()
    const readers = await Promise.all(Array.from({ length: 20 }, () => WireClient.connect(broker.port)))
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: MEGABYTE,
    }))
    const fetch = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 'load', partitions }], forgottenTopicsData: [] }
    for (const reader of readers) {
      reader.pause()
      // Over 400 MB for each: all that is there, 40 times.
      for (let at = 0; at < 40; at++) reader.post(Fetch, 11, fetch)
    }
    // Others are served meanwhile, so the broker has had its time with the requests above.
    for (let at = 0; at < 50; at++) expect((await client.fetch('load', 0)).length).toBeGreaterThan(0)
    const after = broker.memory()
    const askedBytes = readers.length * 40 * PARTITIONS * MEGABYTE
    expect(askedBytes / before.peakBytes).toBeGreaterThan(30)
    const seen = `before ${inMegabytes(before.peakBytes)}, after ${inMegabytes(after.peakBytes)}`
    expect(after.peakBytes / before.peakBytes, seen).toBeLessThan(5)
    await Promise.all([...readers, client].map((each) => each.close()))
  })
})

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`
}
