import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { codecOf } from '../../protocol/codec/codec.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { apiVersions } from '../../src/apis/18-api-versions.ts'
import { type ApiEntry, apiEntry } from '../../src/apis/api-entry.ts'
import type { ConnectionInfo, RequestContext } from '../../src/apis/context.ts'
import { type EchoServer, startEchoServer } from '../server/echo-server.ts'
import { fakeBroker } from '../support/fake-broker.ts'
import type { WireClient } from '../support/wire-client.ts'

const untouched = () => {
  throw new Error('not called here')
}
const produce = apiEntry(Produce, { handle: untouched, fail: untouched, advertisedMin: 0 })
const initProducerId = apiEntry(InitProducerId, { handle: untouched, fail: untouched })

let running: EchoServer
let client: WireClient
beforeEach(async () => {
  running = await startEchoServer({ entries: [initProducerId, produce] as readonly ApiEntry[] })
  client = await running.connect()
})
afterEach(() => running.close())

const named = { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '4.3.1' }

/** A request with a header of version 1 and nothing after it. */
function requestFrame(version: number, correlationId: number, rest = Buffer.alloc(0)): Buffer {
  const frame = Buffer.alloc(10)
  frame.writeInt16BE(ApiVersions.key, 0)
  frame.writeInt16BE(version, 2)
  frame.writeInt32BE(correlationId, 4)
  frame.writeInt16BE(-1, 8)
  return Buffer.concat([frame, rest])
}

describe('ApiVersions', () => {
  it.each([0, 1, 2, 3, 4])('version %i lists exactly what is served, in order of key', async (version) => {
    const answer = await client.send(ApiVersions, version, version < 3 ? {} : named)
    expect(answer.errorCode).toBe(ErrorCode.NONE)
    expect(answer.apiKeys).toEqual([
      { apiKey: 0, minVersion: 0, maxVersion: 13 },
      { apiKey: 14, minVersion: 0, maxVersion: 5 },
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
      { apiKey: 22, minVersion: 0, maxVersion: 5 },
    ])
  })

  it('trap 1: the response header has no tagged fields in flexible versions either', async () => {
    client.post(ApiVersions, 4, named)
    const frame = await client.nextFrame()
    expect(frame.readInt32BE(0)).toBe(1)
    // Directly behind the correlation id comes the error code, then the compact array of four.
    expect(frame.readInt16BE(4)).toBe(ErrorCode.NONE)
    expect(frame.readUInt8(6)).toBe(5)
    const reader = new Reader(frame, 4)
    expect(codecOf(ApiVersions.response, 4).decode(reader).apiKeys).toHaveLength(4)
    expect(reader.remaining).toBe(0)
  })

  it.each([5, 99, 32767])(
    'trap 2: version %i is answered in the layout of version 0 with error 35',
    async (version) => {
      // Neither the rest of the header nor the body of a future version can be read.
      client.sendFrame(requestFrame(version, -7, Buffer.from([255, 255, 255, 1, 2, 3])))
      const frame = await client.nextFrame()
      expect(frame.toString('hex')).toBe('fffffff9' + '0023' + '00000001' + '0012' + '0000' + '0004')
    },
  )

  it('trap 2: the connection goes on after a version that is too new', async () => {
    client.sendFrame(requestFrame(5, 1))
    await client.nextFrame()
    client.post(ApiVersions, 0, {})
    expect((await client.nextFrame()).readInt16BE(4)).toBe(ErrorCode.NONE)
  })

  it('trap 2: a too-new request may be as short as its correlation id', async () => {
    client.sendFrame(requestFrame(6, 3).subarray(0, 8))
    expect((await client.nextFrame()).readInt16BE(4)).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  it('trap 3: Produce is advertised from version 0', async () => {
    const { apiKeys } = await client.send(ApiVersions, 0, {})
    expect(apiKeys[0]).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
  })

  it('trap 8: version 3 tells of no feature that may be at level 0', async () => {
    const { supportedFeatures } = await client.send(ApiVersions, 3, named)
    expect(supportedFeatures).toEqual([{ name: 'metadata.version', minVersion: 7, maxVersion: 30 }])
    expect(supportedFeatures.every(({ minVersion }) => minVersion > 0)).toBe(true)
  })

  it.each([3, 4])('version %i tells the finalized features and their epoch', async (version) => {
    const answer = await client.send(ApiVersions, version, named)
    expect(answer.finalizedFeatures).toEqual([{ name: 'metadata.version', maxVersionLevel: 30, minVersionLevel: 30 }])
    expect(answer.finalizedFeaturesEpoch).toBe(42)
    expect(answer.zkMigrationReady).toBe(false)
  })

  it('trap 5: a null client id is accepted', async () => {
    client.clientId = null
    expect((await client.send(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE)
  })

  it.each([
    ['', '1'],
    ['-librdkafka', '1'],
    ['librdkafka-', '1'],
    ['lib rdkafka', '1'],
    ['librdkafka', ''],
    ['librdkafka', '2.0\n'],
    ['kafkä', '1'],
  ])('refuses software %j %j in the version asked', async (clientSoftwareName, clientSoftwareVersion) => {
    for (const version of [3, 4]) {
      const answer = await client.send(ApiVersions, version, { clientSoftwareName, clientSoftwareVersion })
      expect(answer.errorCode).toBe(ErrorCode.INVALID_REQUEST)
      expect(answer.apiKeys).toEqual([])
    }
  })

  it('may be asked again at any time', async () => {
    for (const version of [3, 0, 4]) expect((await client.send(ApiVersions, version, named)).errorCode).toBe(0)
  })
})

describe('ApiVersions handler', () => {
  const connection = { clientSoftwareName: '', clientSoftwareVersion: '' } as ConnectionInfo
  const table: ApiEntry[] = []
  const entry = apiVersions(() => table)
  table.push(entry as ApiEntry)
  const context = (apiVersion: number, broker = fakeBroker()) =>
    ({ apiKey: 18, apiVersion, correlationId: 1, clientId: null, connection, broker }) satisfies RequestContext

  it('remembers what the client is', () => {
    entry.handle(context(3), { clientSoftwareName: 'librdkafka', clientSoftwareVersion: '2.15.0-1' })
    expect(connection).toEqual({ clientSoftwareName: 'librdkafka', clientSoftwareVersion: '2.15.0-1' })
  })

  it('trap 9: the epoch is the metadata offset, as it is now', () => {
    const request = { clientSoftwareName: 'a', clientSoftwareVersion: 'b' }
    expect(entry.handle(context(4, fakeBroker({ offset: 7 })), request)).toMatchObject({ finalizedFeaturesEpoch: 7 })
    expect(entry.handle(context(4, fakeBroker({ offset: 8 })), request)).toMatchObject({ finalizedFeaturesEpoch: 8 })
  })

  it('trap 10: a feature is told as finalized only when the metadata says so', () => {
    const request = { clientSoftwareName: 'a', clientSoftwareVersion: 'b' }
    const toldOf = (features: [string, number][]) =>
      entry.handle(context(4, fakeBroker({ features: new Map(features) })), request)
    expect(toldOf([['share.version', 1]])).toMatchObject({ finalizedFeatures: [] })
    const finalized = { name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 }
    expect(toldOf([['transaction.version', 2]])).toMatchObject({ finalizedFeatures: [finalized] })
  })

  it('fails in its own shape', () => {
    const request = { clientSoftwareName: '', clientSoftwareVersion: '' }
    expect(entry.fail(request, ErrorCode.UNKNOWN_SERVER_ERROR, context(0))).toEqual({ errorCode: -1, apiKeys: [] })
  })
})
