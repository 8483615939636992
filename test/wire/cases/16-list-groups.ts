import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { stableMember } from '../group-member.ts'
import { including } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'
import { commitRequest } from './08-offset-commit.ts'

export const listGroupsCases = wireCases('ListGroups', (wireCase) => {
  const entry = (groupId: string, groupState: string, protocolType = 'consumer') => ({
    groupId,
    protocolType,
    groupState,
    groupType: 'classic',
  })
  const everything = { statesFilter: [], typesFilter: [] }

  for (const version of versionsOf(ListGroups)) {
    wireCase(`v${version} lists groups with members, empty ones and those that have only offsets`, async (test) => {
      const [stable, empty, simple, topic] = [
        await test.group(),
        await test.group(),
        await test.group(),
        await test.topic(),
      ]
      await stableMember(test, stable)
      await (await stableMember(test, empty)).leave()
      await test.call(OffsetCommit, 8, commitRequest(simple, topic, 1))
      await test.expect(ListGroups, version, everything, {
        errorCode: 0,
        groups: including(entry(stable, 'Stable'), entry(empty, 'Empty'), entry(simple, 'Empty', '')),
      })
    })
  }

  /** Which of two groups, one stable and one empty, the filters let through. */
  async function filtered(
    test: WireTest,
    version: number,
    filters: { statesFilter?: string[]; typesFilter?: string[] },
  ) {
    const [stable, empty] = [await test.group(), await test.group()]
    await stableMember(test, stable)
    await (await stableMember(test, empty)).leave()
    const { groups } = await test.call(ListGroups, version, { ...everything, ...filters })
    const ids = groups.map(({ groupId }) => groupId)
    return [ids.includes(stable), ids.includes(empty)]
  }

  for (const version of [4, 5]) {
    for (const [states, expected] of [
      [['Stable'], [true, false]],
      [['stable'], [true, false]],
      [['EMPTY'], [false, true]],
      [
        ['Empty', 'Stable'],
        [true, true],
      ],
      [['NoSuchState'], [false, false]],
      [['Dead'], [false, false]],
      [
        ['NoSuchState', 'Stable'],
        [true, false],
      ],
    ] as const) {
      wireCase(`v${version} of the states ${states}`, async (test) => {
        test.same(await filtered(test, version, { statesFilter: [...states] }), expected, 'stable and empty group')
      })
    }
  }

  for (const [types, expected] of [
    [['classic'], [true, true]],
    [['Classic'], [true, true]],
    [['consumer'], [false, false]],
    [
      ['share', 'streams'],
      [false, false],
    ],
    [
      ['consumer', 'classic'],
      [true, true],
    ],
    [['nonsense'], [false, false]],
  ] as const) {
    wireCase(`v5 of the types ${types}`, async (test) => {
      test.same(await filtered(test, 5, { typesFilter: [...types] }), expected, 'stable and empty group')
    })
  }

  wireCase('v5 with both filters needs both', async (test) => {
    const found = await filtered(test, 5, { statesFilter: ['Empty'], typesFilter: ['classic'] })
    test.same(found, [false, true], 'stable and empty group')
  })
})
