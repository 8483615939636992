import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { GroupMember, stableMember } from '../group-member.ts'
import { without } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import { commitRequest, committedOffset } from './08-offset-commit.ts'

export const deleteGroupsCases = wireCases('DeleteGroups', (wireCase) => {
  for (const version of versionsOf(DeleteGroups)) {
    wireCase(`v${version} deletes an empty group with its offsets, and says what it cannot delete`, async (test) => {
      const [empty, busy, missing, topic] = [
        await test.group(),
        await test.group(),
        await test.group(),
        await test.topic(),
      ]
      await stableMember(test, busy)
      await test.call(OffsetCommit, 8, commitRequest(empty, topic, 5))
      const { results } = await test.call(DeleteGroups, version, { groupsNames: [empty, busy, missing] })
      const codes = Object.fromEntries(results.map(({ groupId, errorCode }) => [groupId, errorCode]))
      test.same(codes, { [empty]: 0, [busy]: 68, [missing]: 69 }, 'errors')
      test.same((await committedOffset(test, empty, topic)).offset, -1, 'offset')
      const { groups } = await test.call(ListGroups, 2, {})
      test.same(groups, without({ groupId: empty, protocolType: '', groupState: '', groupType: '' }), 'groups')
    })
  }

  wireCase('a group that everybody has left may be deleted, and made again', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    await one.leave()
    await test.expect(DeleteGroups, 2, { groupsNames: [group] }, { results: [{ groupId: group, errorCode: 0 }] })
    await test.expect(DeleteGroups, 2, { groupsNames: [group] }, { results: [{ groupId: group, errorCode: 69 }] })
    const two = await GroupMember.connect(test, group)
    test.same((await two.join()).generationId, 1, 'generation')
  })

  wireCase('the group with the empty name may be deleted', async (test) => {
    const topic = await test.topic()
    await test.untilCoordinated('')
    await test.call(OffsetCommit, 8, commitRequest('', topic, 5))
    await test.expect(DeleteGroups, 2, { groupsNames: [''] }, { results: [{ groupId: '', errorCode: 0 }] })
  })

  wireCase('no groups, no answer', async (test) => {
    await test.expect(DeleteGroups, 2, { groupsNames: [] }, { results: [] })
  })
})
