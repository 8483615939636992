import { AlterConfigs } from '../../../protocol/messages/33-alter-configs.ts'
import { answer, ownConfigs, until } from '../config-changes.ts'
import { isParked } from '../group-member.ts'
import { ResourceType } from '../topic-config-table.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const alterConfigsCases = wireCases('AlterConfigs', (wireCase) => {
  function replace(
    resourceName: string,
    configs: Readonly<Record<string, string | null>>,
    validateOnly = false,
    resourceType: number = ResourceType.TOPIC,
  ) {
    const list = Object.entries(configs).map(([name, value]) => ({ name, value }))
    return { resources: [{ resourceType, resourceName, configs: list }], validateOnly }
  }

  for (const version of versionsOf(AlterConfigs)) {
    wireCase(`v${version} replaces all that the topic had`, async (test) => {
      const { name } = await test.topic({ configs: { 'retention.ms': '1000', 'max.message.bytes': '2000' } })
      await test.expect(AlterConfigs, version, replace(name, { 'retention.ms': '3000' }), answer(name))
      await until(test, name, { 'retention.ms': '3000' })
      await test.expect(AlterConfigs, version, replace(name, {}), answer(name))
      await until(test, name, {})
    })

    wireCase(`trap 84: v${version} validates only, when asked to`, async (test) => {
      const { name } = await test.topic({ configs: { 'retention.ms': '1000' } })
      await test.expect(AlterConfigs, version, replace(name, {}, true), answer(name))
      test.same(await ownConfigs(test, name), { 'retention.ms': '1000' }, 'settings')
    })

    wireCase(`v${version}: errors`, async (test) => {
      const { name } = await test.topic({ configs: { 'retention.ms': '1000' } })
      const unknownTopic = test.unique('unknown')
      for (const [resource, configs, error] of [
        [name, { nope: '1' }, 40],
        [name, { 'retention.ms': 'abc' }, 40],
        [name, { 'retention.ms': null }, 42],
        [unknownTopic, { 'retention.ms': '5' }, 3],
        ['a b', { 'retention.ms': '5' }, 17],
      ] as const) {
        const { responses } = await test.call(AlterConfigs, version, replace(resource, configs))
        test.same(
          responses.map(({ errorCode, resourceName }) => [errorCode, resourceName]),
          [[error, resource]],
          'answer',
        )
      }
      test.same(await ownConfigs(test, name), { 'retention.ms': '1000' }, 'settings')
    })
  }

  wireCase('trap 88: a resource given twice is refused', async (test) => {
    const { name } = await test.topic()
    const [resource] = replace(name, { 'retention.ms': '5' }).resources
    const client = await test.connect()
    const pending = client.call(AlterConfigs, 2, { resources: [resource!, resource!], validateOnly: false })
    const waits = await isParked(test, pending)
    test.same(
      waits,
      test.differs({ kafka: true, odradek: false, why: 'Kafka fails inside and never answers' }),
      'it waits',
    )
    if (waits) pending.catch(() => {})
    else test.same([...new Set((await pending).responses.map(({ errorCode }) => errorCode))], [42], 'errors')
    test.same(await ownConfigs(test, name), {}, 'settings')
  })
})
