import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { atLeast, inAnyOrder, including, satisfying } from '../matcher.ts'
import { spineRanges } from '../spine.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import { ConnectionClosed, frameOf } from '../wire-client.ts'
import type { WireTest } from '../wire-test.ts'

const JAVA = { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '4.3.1' }

function apiKeys(test: WireTest) {
  return test.differs({
    kafka: including(...spineRanges),
    odradek: spineRanges,
    why: 'exactly what is implemented is advertised; Kafka has the APIs of transactions, ACLs and so on as well',
  })
}

const metadataVersion = { name: 'metadata.version', minVersion: 7, maxVersion: 30 }
const transactionVersion = { name: 'transaction.version', minVersion: 0, maxVersion: 2 }
const otherFeatures = [
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: 'share.version', minVersion: 0, maxVersion: 1 },
  { name: 'streams.version', minVersion: 0, maxVersion: 1 },
]

function supportedFeatures(test: WireTest, version: number) {
  if (version < 4) return [metadataVersion]
  return test.differs({
    kafka: including(metadataVersion, transactionVersion, ...otherFeatures),
    odradek: [metadataVersion, transactionVersion],
    why: 'a feature is listed once it is implemented',
  })
}

function finalizedFeatures(test: WireTest) {
  const metadata = { name: 'metadata.version', minVersionLevel: 30, maxVersionLevel: 30 }
  const transactions = { name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 }
  return test.differs({
    kafka: including(metadata, transactions),
    odradek: inAnyOrder(metadata, transactions),
    why: 'only what is implemented is finalized: a client relies on what it sees',
  })
}

const END_TXN = 26

/** Key, version and correlation id: all that can be read of a version nobody knows yet. */
function tooNew(version: number, correlationId: number, rest: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeInt16BE(18, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(correlationId, 4)
  return frameOf(Buffer.concat([header, rest]))
}

const unsupported = Buffer.from('002300000001001200000004', 'hex')

export const apiVersionsCases = wireCases('ApiVersions', (wireCase) => {
  for (const version of versionsOf(ApiVersions)) {
    wireCase(`v${version} lists every API with its versions, in ascending order`, async (test) => {
      const { apiKeys: listed } = await test.expect(ApiVersions, version, JAVA, {
        errorCode: 0,
        apiKeys: apiKeys(test),
        supportedFeatures: supportedFeatures(test, version),
        finalizedFeaturesEpoch: atLeast(0),
        finalizedFeatures: finalizedFeatures(test),
      })
      const keys = listed.map(({ apiKey }) => apiKey)
      test.same(
        keys,
        [...keys].sort((one, other) => one - other),
        'the order of the keys',
      )
    })
  }

  wireCase('trap 1: the response header has no tags, also at a flexible version', async (test) => {
    const client = await test.client()
    client.write(frameOf(client.requestBytes(ApiVersions, 4, JAVA, { correlationId: 0x01020304 })))
    const frame = await client.nextFrame('the answer')
    test.same(frame.subarray(0, 6), Buffer.from('010203040000', 'hex'), 'correlation id and error code')
  })

  for (const version of [5, 6, 99, 32767]) {
    wireCase(
      `trap 2: v${version} is answered with error 35 in the layout of v0 and the connection stays`,
      async (test) => {
        const client = await test.client()
        client.write(tooNew(version, 77, Buffer.from('0004776972650000', 'hex')))
        const frame = await client.nextFrame('the answer')
        test.same(frame, Buffer.concat([Buffer.from([0, 0, 0, 77]), unsupported]), 'the whole answer')
        await test.expect(ApiVersions, 0, JAVA, { errorCode: 0, apiKeys: apiKeys(test) })
      },
    )
  }

  wireCase('trap 2: a too new version whose header nobody could read', async (test) => {
    const client = await test.client()
    client.write(tooNew(5, -3, Buffer.from('000177ff7f00ffffffffffffffff', 'hex')))
    const answer = await client.nextFrame('the answer').catch((error: unknown) => {
      if (error instanceof ConnectionClosed) return 'closed'
      throw error
    })
    const expected = test.differs({
      kafka: 'closed',
      odradek: Buffer.concat([Buffer.from('fffffffd', 'hex'), unsupported]),
      why: 'Kafka reads client id and tags as it knows them; nobody can say what the next header looks like',
    })
    test.same(answer, expected, 'the answer')
  })

  for (const name of ['', '-kafka', 'kafka-', 'two words', 'käse', '.', 'a/b']) {
    for (const version of [3, 4]) {
      wireCase(`v${version} with the software name '${name}' is an invalid request`, async (test) => {
        const request = { clientSoftwareName: name, clientSoftwareVersion: '1' }
        await test.expect(ApiVersions, version, request, {
          errorCode: 42,
          apiKeys: [],
        })
        await test.expect(
          ApiVersions,
          version,
          JAVA,
          satisfying('a success', ({ errorCode }: { errorCode: number }) => errorCode === 0),
        )
      })
    }
  }

  wireCase('a bad software version is an invalid request', async (test) => {
    const request = { clientSoftwareName: 'kafka', clientSoftwareVersion: '1.0+' }
    await test.expect(ApiVersions, 3, request, { errorCode: 42, apiKeys: [] })
  })

  for (const name of ['a', 'A-b.C', '0', 'x--y..z']) {
    wireCase(`the software name '${name}' is accepted`, async (test) => {
      const answer = await test.call(ApiVersions, 4, {
        clientSoftwareName: name,
        clientSoftwareVersion: '4.3.1-SNAPSHOT',
      })
      test.same(answer.errorCode, 0, 'error')
    })
  }

  wireCase('may be asked at any time and as often as one likes, with the same answer', async (test) => {
    const first = await test.call(ApiVersions, 4, JAVA)
    const second = await test.call(ApiVersions, 4, JAVA)
    test.same(second.apiKeys, first.apiKeys, 'the second answer')
    test.same(second.finalizedFeaturesEpoch, atLeast(first.finalizedFeaturesEpoch), 'the epoch')
  })

  wireCase('trap 3: Produce is advertised from version 0', async (test) => {
    const { apiKeys: listed } = await test.call(ApiVersions, 2, {})
    test.same(listed[0], { apiKey: 0, minVersion: 0, maxVersion: 13 }, 'Produce')
  })

  wireCase('trap 10: transaction.version is finalized only where there are transactions', async (test) => {
    const { apiKeys: listed, finalizedFeatures: features } = await test.call(ApiVersions, 4, JAVA)
    const has = listed.some(({ apiKey }) => apiKey === END_TXN)
    test.same(
      features.some(({ name }) => name === 'transaction.version'),
      has,
      'finalized',
    )
  })

  wireCase('trap 8: version 3 hides features that begin at level 0', async (test) => {
    const { supportedFeatures: listed } = await test.call(ApiVersions, 3, JAVA)
    test.same(
      listed.filter(({ minVersion }) => minVersion < 1),
      [],
      'features below 1',
    )
  })

  wireCase('InitProducerId 6 is not offered: it is unstable in 4.3', async (test) => {
    const { apiKeys: listed } = await test.call(ApiVersions, 0, {})
    test.same(
      listed.find(({ apiKey }) => apiKey === 22),
      { apiKey: 22, minVersion: 0, maxVersion: 5 },
      'InitProducerId',
    )
  })
})
