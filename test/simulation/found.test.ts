import { expect, it } from 'vitest'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { SmallWorld } from './small-world.ts'

const topic = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })

it('a topic is deleted while the first group of all waits for __consumer_offsets', async () => {
  const world = new SmallWorld()
  await world.start()
  const admin = await world.connect()
  const member = await world.connect()
  await world.until(admin.send(CreateTopics, 5, { topics: [topic('gone')] }))
  const join = { groupId: 'g', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer' }
  const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
  const { memberId, generationId } = await world.until(member.send(JoinGroup, 3, { ...join, protocols }))
  world.diskMs = 5
  const deleted = admin.send(DeleteTopics, 4, { topics: [], topicNames: ['gone'], timeoutMs: 1000 })
  // The deletion is on its way to the disk when the group's first record needs a topic that does not exist yet.
  await world.sleep(1)
  const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
  const synced = member.send(SyncGroup, 3, { groupId: 'g', generationId, memberId, assignments })
  expect((await world.until(deleted)).responses[0]).toMatchObject({ errorCode: 0 })
  expect(await world.until(synced)).toMatchObject({ errorCode: 0 })
})

it('metadata.log.max.record.bytes.between.snapshots is what it says', async () => {
  const world = new SmallWorld({ 'metadata.log.max.record.bytes.between.snapshots': '1000' })
  await world.start()
  const admin = await world.connect()
  for (let index = 0; index < 20; index++) {
    await world.until(admin.send(CreateTopics, 5, { topics: [topic(`t${index}`)] }))
  }
  expect(world.disk.list('/data/__cluster_metadata-0').filter((name) => name.endsWith('.checkpoint'))).toHaveLength(1)
})
