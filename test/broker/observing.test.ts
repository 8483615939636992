import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { subscription } from '../coordinator/group-driver.ts'
import { WireClient } from '../support/wire-client.ts'
import { batchOf, ObservedBroker } from './observed-broker.ts'

let broker: ObservedBroker
beforeEach(async () => {
  broker = await ObservedBroker.start()
})
afterEach(() => broker.close())

async function commitAlone(groupId: string, offset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }]
  const request = { groupId, topics: [{ name: 't', partitions }] }
  return (await broker.client.send(OffsetCommit, 8, request)).topics[0]!.partitions[0]!.errorCode
}

describe('connections', () => {
  it('are told when they come and go', async () => {
    broker.observe('connect', 'disconnect')
    const gone = broker.events.next('disconnect')
    const client = await WireClient.connect(broker.port)
    await client.send(ApiVersions, 0, {})
    await client.close()
    await gone
    const [connected] = broker.of('connect')
    expect(connected).toMatchObject({ brokerId: 1, listener: 'PLAINTEXT', clientAddress: '127.0.0.1' })
    expect(broker.of('disconnect')).toMatchObject([{ connectionId: connected!.connectionId, error: null }])
  })
})

describe('requests', () => {
  it('are told before they are handled, their answers with how long it took', async () => {
    broker.observe('request', 'response')
    await broker.client.send(ApiVersions, 3, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
    const [{ event: request }, { event: response }] = broker.seen as [(typeof broker.seen)[0], (typeof broker.seen)[0]]
    const same = { api: 'ApiVersions', apiKey: 18, apiVersion: 3, clientId: 'tester', correlationId: 1, brokerId: 1 }
    expect(request).toMatchObject({ ...same, clientAddress: '127.0.0.1' })
    expect(broker.of('request')[0]!.sizeBytes).toBeGreaterThan(10)
    expect(response).toMatchObject({ ...same, outcome: 'answered', errorCodes: [] })
    expect(broker.of('response')[0]!.durationMs).toBeGreaterThanOrEqual(0)
  })

  it('a version that is not known is answered, and told', async () => {
    broker.observe('request', 'response')
    const frame = Buffer.from([0, 18, 0x7f, 0, 0, 0, 0, 9, 0xff, 0xff])
    broker.client.sendFrame(frame)
    await broker.client.nextFrame()
    const request = { api: 'ApiVersions', apiVersion: 0x7f00, sizeBytes: frame.length, correlationId: 9 }
    expect(broker.of('request')).toMatchObject([request])
    expect(broker.of('response')).toMatchObject([{ ...request, errorCodes: [ErrorCode.UNSUPPORTED_VERSION] }])
  })

  it('an answer that a fault changes or keeps is told as the client sees it', async () => {
    broker.observe('response')
    const { faults } = broker.odradek.engine
    faults.add({ kind: 'error', errorCode: 'NOT_CONTROLLER', api: 'CreateTopics', times: 1 })
    await expect(broker.createTopic('t')).rejects.toThrow('41')
    faults.add({ kind: 'black-hole', api: 'CreateTopics', times: 1 })
    const next = broker.events.next('response', ({ outcome }) => outcome !== 'answered')
    broker.createTopic('t').catch(() => {})
    expect(await next).toMatchObject({ api: 'CreateTopics', outcome: 'never', errorCodes: [] })
    expect(broker.of('response')[0]).toMatchObject({ outcome: 'answered', errorCodes: [41] })
  })

  it('errors are found wherever an answer has them', async () => {
    await broker.createTopic('t')
    broker.observe('response')
    await broker.produce([
      { topic: 't', partition: 0, batch: batchOf('a') },
      { topic: 't', partition: 9, batch: batchOf('a') },
      { topic: 'missing', partition: 0, batch: batchOf('a') },
    ])
    expect(broker.of('response')).toMatchObject([
      { api: 'Produce', errorCodes: [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] },
    ])
  })

  it('a produce without acks has no answer, and says so', async () => {
    await broker.createTopic('t')
    broker.observe('response', 'produce')
    const { client } = broker
    const next = broker.events.next('response', ({ api }) => api === 'Produce')
    void broker.produce([{ topic: 't', partition: 0, batch: batchOf('a') }], 0).catch(() => {})
    expect(await next).toMatchObject({ outcome: 'silent', errorCodes: [] })
    expect(broker.of('produce')).toMatchObject([{ acks: 0, baseOffset: 0, errorCode: 0 }])
    await client.close()
  })
})

describe('records', () => {
  it('are told per partition when they are appended', async () => {
    await broker.createTopic('t', 2)
    broker.observe('produce')
    const batch = { ...batchOf('a', 'b'), producerId: 5, producerEpoch: 0, baseSequence: 0 }
    await broker.produce([{ topic: 't', partition: 1, batch }])
    await broker.produce([{ topic: 't', partition: 1, batch }])
    const event = {
      ...{ topic: 't', partition: 1, baseOffset: 0, recordCount: 2, clientId: 'tester', acks: -1, errorCode: 0 },
      ...{ producerId: 5, producerEpoch: 0, baseSequence: 0, routedFrom: null, errorMessage: null },
    }
    expect(broker.of('produce')).toMatchObject([
      { ...event, duplicate: false },
      { ...event, duplicate: true },
    ])
    expect(await broker.stored('t', 1)).toHaveLength(1)
  })

  it('what is refused is told with its error', async () => {
    await broker.createTopic('t')
    broker.observe('produce')
    const [answer] = await broker.produce([{ topic: 't', partition: 0, batch: Buffer.alloc(70) }])
    await broker.produce([{ topic: 'missing', partition: 0, batch: null }])
    const refused = { baseOffset: -1, recordCount: 0 }
    expect(broker.of('produce')).toMatchObject([
      { ...refused, topic: 't', sizeBytes: 70, errorCode: answer!.errorCode, errorMessage: answer!.errorMessage },
      { ...refused, topic: 'missing', sizeBytes: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    expect(answer!.errorCode).not.toBe(0)
  })

  it('are told when they are fetched, and only partitions that have some', async () => {
    await broker.createTopic('t')
    await broker.createTopic('empty')
    await broker.produce([{ topic: 't', partition: 0, batch: batchOf('a', 'b') }])
    broker.observe('fetch')
    await broker.stored('t')
    await broker.stored('empty')
    expect(broker.of('fetch')).toMatchObject([
      { topic: 't', partition: 0, fetchOffset: 0, highWatermark: 2, clientId: 'tester' },
    ])
    expect(broker.of('fetch')[0]!.sizeBytes).toBeGreaterThan(61)
  })
})

describe('groups', () => {
  beforeEach(() => broker.createTopic('t'))

  it('a commit is told once it is stored', async () => {
    broker.observe('commit')
    expect(await commitAlone('g', 5)).toBe(0)
    expect(broker.of('commit')).toMatchObject([
      { groupId: 'g', topic: 't', partition: 0, offset: 5, memberId: '', generationId: -1, metadata: '' },
    ])
  })

  it('a rebalance is told step by step and says why in words', async () => {
    broker.observe('rebalance', 'member')
    const { client } = broker
    const protocols = [{ name: 'range', metadata: subscription('t') }]
    const join = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols,
    }
    const { memberId, generationId } = await client.send(JoinGroup, 2, { ...join, memberId: '' })
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    await client.send(SyncGroup, 1, { groupId: 'g', generationId, memberId, assignments })
    await client.send(LeaveGroup, 1, { groupId: 'g', memberId })
    expect(broker.of('rebalance').map(({ before, after, reason }) => `${before} > ${after}: ${reason}`)).toEqual([
      `Empty > PreparingRebalance: ${memberId} joined`,
      'PreparingRebalance > CompletingRebalance: all members have joined',
      `CompletingRebalance > Stable: the leader ${memberId} brought the assignment`,
      `Stable > PreparingRebalance: ${memberId} left`,
      'PreparingRebalance > Empty: nobody is left',
    ])
    expect(broker.of('rebalance')[2]).toMatchObject({ generationId: 1, memberCount: 1, cause: `${memberId} joined` })
    expect(broker.of('member')).toMatchObject([
      { change: 'joined', memberId, clientId: 'tester', memberCount: 1 },
      { change: 'left', memberId, memberCount: 0 },
    ])
  })

  it('a deleted group is told', async () => {
    broker.observe('groupDeleted')
    await commitAlone('g', 5)
    await broker.client.send(DeleteGroups, 1, { groupsNames: ['g'] })
    expect(broker.of('groupDeleted')).toMatchObject([{ groupId: 'g', by: 'request', brokerId: 1 }])
  })
})

describe('topics', () => {
  it('are told when they come and go, internal ones too', async () => {
    broker.observe('topicCreated', 'topicDeleted')
    await broker.createTopic('t', 3)
    await commitAlone('g', 5)
    await broker.client.send(DeleteTopics, 5, { topicNames: ['t'], timeoutMs: 10_000 })
    const [created, offsets] = broker.of('topicCreated')
    expect(created).toMatchObject({ topic: 't', partitionCount: 3, internal: false })
    expect(offsets).toMatchObject({ topic: '__consumer_offsets', internal: true })
    expect(broker.of('topicDeleted')).toMatchObject([{ topic: 't', topicId: created!.topicId }])
  })
})

describe('several brokers of one process', () => {
  it('are one source of events, each with the id of its broker, and leaders that move are told', async () => {
    await broker.close()
    broker = await ObservedBroker.start({ 'odradek.virtual.brokers': '3' })
    await broker.createTopic('t', 3)
    broker.observe('leaderChange', 'topicCreated', 'connect')
    const leaders = broker.odradek.engine.metadata.image.topics.get('t')!.partitions.map(({ leader }) => leader)
    const partition = leaders.indexOf(2)
    await broker.odradek.moveLeader('t', partition, 3)
    expect(broker.of('leaderChange')).toMatchObject([{ topic: 't', partition, from: 2, to: 3 }])
    const client = await WireClient.connect(broker.odradek.listenersOf(3)[0]!.port)
    await client.send(ApiVersions, 0, {})
    expect(broker.of('connect')).toMatchObject([{ brokerId: 3 }])
    await client.close()
    await broker.createTopic('another')
    expect(broker.of('topicCreated')).toHaveLength(1)
  })
})
