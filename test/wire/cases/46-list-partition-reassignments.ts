import { ListPartitionReassignments } from '../../../protocol/messages/46-list-partition-reassignments.ts'
import { wireCases } from '../wire-case.ts'

export const listPartitionReassignmentsCases = wireCases('ListPartitionReassignments', (wireCase) => {
  const nothing = { errorCode: 0, errorMessage: null, topics: [] }

  wireCase('v0: nothing moves on a single broker', async (test) => {
    const topic = await test.topic()
    const mine = [{ name: topic.name, partitionIndexes: [0] }]
    await test.expect(ListPartitionReassignments, 0, { timeoutMs: 10_000, topics: mine }, nothing)
    await test.expect(ListPartitionReassignments, 0, { timeoutMs: 10_000, topics: null }, nothing)
    await test.expect(ListPartitionReassignments, 0, { timeoutMs: 10_000, topics: [] }, nothing)
  })

  wireCase('v0 of an unknown topic', async (test) => {
    const topics = [{ name: test.unique('unknown'), partitionIndexes: [0] }]
    await test.expect(ListPartitionReassignments, 0, { timeoutMs: 10_000, topics }, nothing)
  })
})
