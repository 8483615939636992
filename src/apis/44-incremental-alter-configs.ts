import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { configContext } from '../broker/config-context.ts'
import { alterConfigs } from '../metadata/alter-configs.ts'
import { alteredResponses, failedAlterations } from './altered-resources.ts'
import { apiEntry } from './api-entry.ts'

export const incrementalAlterConfigs = apiEntry(IncrementalAlterConfigs, {
  async handle({ broker }, { resources, validateOnly }) {
    const alterations = resources.map(({ resourceType, resourceName, configs }) => ({
      type: resourceType,
      name: resourceName,
      operations: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
    }))
    const context = configContext(broker)
    const altered = await broker.metadata.change((image) => alterConfigs(image, alterations, context, validateOnly))
    return { throttleTimeMs: 0, responses: alteredResponses(altered) }
  },
  fail: ({ resources }, error) => ({ throttleTimeMs: 0, responses: failedAlterations(resources, error) }),
})
