import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { codecOf } from '../protocol/codec/codec.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../protocol/codec/header.ts'
import { Reader } from '../protocol/codec/reader.ts'
import type { Api, DecodedResponseOf, RequestInputOf } from '../protocol/codec/schema.ts'
import { Writer } from '../protocol/codec/writer.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'

/** What one step cost: throughput as the client saw it, CPU seconds as the broker's process spent them. */
export interface Measured {
  readonly megabytesPerSecond: number
  readonly cpuSecondsPerGigabyte: number
}

const IN_FLIGHT = 5
const PRODUCE_VERSION = 9
const FETCH_VERSION = 11
const CLOCK_TICKS_PER_SECOND = 100

/** A client that costs next to nothing: ready-made frames, several in flight, answers only counted. */
class LoadConnection {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #parts: Buffer[] = []
  #have = 0
  #need = 0
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
  }

  static open(port: number): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new LoadConnection(socket)))
      socket.once('error', reject)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  send(frame: readonly Buffer[]): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#socket.cork()
      for (const chunk of frame) this.#socket.write(chunk)
      this.#socket.uncork()
    })
  }

  frame<A extends Api>(api: A, version: number, request: RequestInputOf<A>): Buffer[] {
    const writer = new Writer()
    writer.int32(0)
    encodeRequestHeader(writer, api, version, this.#correlationId++, 'bench')
    codecOf(api.request, version).encode(writer, request as never)
    writer.patchInt32(0, writer.size - 4)
    return writer.finish()
  }

  async ask<A extends Api>(api: A, version: number, request: RequestInputOf<A>): Promise<DecodedResponseOf<A>> {
    const reader = new Reader(await this.send(this.frame(api, version, request)))
    decodeResponseHeader(reader, api, version)
    return codecOf(api.response, version).decode(reader) as DecodedResponseOf<A>
  }

  #take(chunk: Buffer): void {
    this.#parts.push(chunk)
    this.#have += chunk.length
    for (;;) {
      if (this.#need === 0) {
        if (this.#have < 4) return
        this.#need = 4 + this.#joined().readInt32BE(0)
      }
      if (this.#have < this.#need) return
      const joined = this.#joined()
      const frame = joined.subarray(4, this.#need)
      this.#parts = joined.length > this.#need ? [joined.subarray(this.#need)] : []
      this.#have -= this.#need
      this.#need = 0
      this.#waiting.shift()?.(frame)
    }
  }

  #joined(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts, this.#have)]
    return this.#parts[0]!
  }
}

export interface Load {
  readonly topic: string
  readonly partitions: number
  readonly batchBytes: number
  readonly totalBytes: number
  readonly acks: -1 | 1
}

/** Sends whole batches of incompressible values, spread over the partitions, with five requests in flight. */
export async function produce(port: number, pid: number, load: Load): Promise<Measured> {
  const connection = await LoadConnection.open(port)
  await connection.ask(CreateTopics, 5, {
    topics: [{ name: load.topic, numPartitions: load.partitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  const recordBytes = 1000
  const value = Buffer.alloc(recordBytes, 'odradek ')
  const count = Math.max(1, Math.floor(load.batchBytes / recordBytes))
  const now = Date.now()
  const batch = buildBatch({ records: Array.from({ length: count }, () => ({ timestamp: now, key: null, value })) })
  const frames = Array.from({ length: load.partitions }, (_, index) =>
    connection.frame(Produce, PRODUCE_VERSION, {
      transactionalId: null,
      acks: load.acks,
      timeoutMs: 30_000,
      topicData: [{ name: load.topic, partitionData: [{ index, records: batch }] }],
    }),
  )
  await connection.send(frames[0]!)
  const requests = Math.ceil(load.totalBytes / batch.length)
  const measured = await measure(pid, requests * batch.length, () =>
    keepInFlight(requests, (at) => connection.send(frames[at % frames.length]!)),
  )
  connection.close()
  return measured
}

/** Reads everything back from the beginning, partition by partition, without looking at the records. */
export async function consume(port: number, pid: number, load: Load): Promise<Measured> {
  const connection = await LoadConnection.open(port)
  const measured = await measure(pid, load.totalBytes, async () => {
    for (let partition = 0; partition < load.partitions; partition++) {
      let offset = 0
      for (let more = true; more; ) {
        const answer = await connection.ask(Fetch, FETCH_VERSION, {
          maxWaitMs: 0,
          minBytes: 1,
          topics: [{ topic: load.topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }],
          forgottenTopicsData: [],
        })
        const read = answer.responses[0]!.partitions[0]!
        const next = nextOffset(read.records)
        more = next > offset
        offset = Math.max(offset, next)
      }
    }
  })
  connection.close()
  return measured
}

/** Offset behind the last whole batch, or -1. */
function nextOffset(records: Buffer | null): number {
  let next = -1
  if (records === null) return next
  for (let at = 0; at + 61 <= records.length; ) {
    const size = 12 + records.readInt32BE(at + 8)
    if (at + size > records.length) break
    next = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1
    at += size
  }
  return next
}

async function keepInFlight(total: number, send: (at: number) => Promise<unknown>): Promise<void> {
  let started = 0
  const worker = async () => {
    while (started < total) await send(started++)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

async function measure(pid: number, bytes: number, work: () => Promise<void>): Promise<Measured> {
  const cpuBefore = cpuSeconds(pid)
  const startedMs = performance.now()
  await work()
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = cpuSeconds(pid) - cpuBefore
  return { megabytesPerSecond: bytes / 1e6 / seconds, cpuSecondsPerGigabyte: cpu / (bytes / 1e9) }
}

/** User and system time of one process so far; Linux only. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
}
