import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { ListConfigResources } from '../../../protocol/messages/74-list-config-resources.ts'
import { change, SET, until } from '../config-changes.ts'
import { inAnyOrder, including, without } from '../matcher.ts'
import { ResourceType } from '../topic-config-table.ts'
import { wireCases } from '../wire-case.ts'

export const listConfigResourcesCases = wireCases('ListConfigResources', (wireCase) => {
  wireCase('v0 lists client metrics alone', async (test) => {
    const { name } = await test.topic()
    const { configResources, errorCode } = await test.call(ListConfigResources, 0, {})
    test.same(errorCode, 0, 'error')
    test.same(configResources, without({ resourceName: name, resourceType: 16 }), 'resources')
  })

  wireCase('v1 lists everything there is', async (test) => {
    const { name } = await test.topic()
    const group = test.unique('group')
    await test.call(
      IncrementalAlterConfigs,
      1,
      change(group, [[SET, 'consumer.session.timeout.ms', '50000']], false, ResourceType.GROUP),
    )
    await until(test, group, { 'consumer.session.timeout.ms': '50000' }, ResourceType.GROUP)
    await test.expect(
      ListConfigResources,
      1,
      { resourceTypes: [] },
      {
        errorCode: 0,
        configResources: including<{ resourceName: string; resourceType: number }>(
          { resourceName: name, resourceType: ResourceType.TOPIC },
          { resourceName: '1', resourceType: ResourceType.BROKER },
          { resourceName: '1', resourceType: ResourceType.BROKER_LOGGER },
          { resourceName: group, resourceType: ResourceType.GROUP },
        ),
      },
    )
  })

  for (const [type, label] of [
    [ResourceType.TOPIC, 'topics'],
    [ResourceType.BROKER, 'brokers'],
    [ResourceType.BROKER_LOGGER, 'loggers'],
    [ResourceType.GROUP, 'groups'],
    [ResourceType.CLIENT_METRICS, 'client metrics'],
  ] as const) {
    wireCase(`v1 of ${label} lists nothing else`, async (test) => {
      await test.topic()
      const { configResources, errorCode } = await test.call(ListConfigResources, 1, { resourceTypes: [type] })
      test.same([errorCode, configResources.filter(({ resourceType }) => resourceType !== type)], [0, []], 'others')
      if (type === ResourceType.BROKER)
        test.same(configResources, [{ resourceName: '1', resourceType: type }], 'brokers')
    })
  }

  for (const type of [0, 1, 99]) {
    wireCase(`v1 of the type ${type}, which nobody supports`, async (test) => {
      await test.expect(ListConfigResources, 1, { resourceTypes: [type] }, { errorCode: 35, configResources: [] })
    })
  }

  wireCase('v1 of two types', async (test) => {
    const { name } = await test.topic()
    const resourceTypes = [ResourceType.TOPIC, ResourceType.BROKER]
    const { configResources } = await test.call(ListConfigResources, 1, { resourceTypes })
    const types = new Set(configResources.map(({ resourceType }) => resourceType))
    test.same([...types], inAnyOrder(ResourceType.TOPIC, ResourceType.BROKER), 'types')
    test.same(configResources, including({ resourceName: name, resourceType: ResourceType.TOPIC }), 'resources')
  })
})
