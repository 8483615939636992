import { AlterConfigs } from '../../protocol/messages/33-alter-configs.ts'
import { configContext } from '../broker/config-context.ts'
import { replaceConfigs } from '../metadata/alter-configs.ts'
import { alteredResponses, failedAlterations } from './altered-resources.ts'
import { apiEntry } from './api-entry.ts'

export const alterConfigs = apiEntry(AlterConfigs, {
  async handle({ broker }, { resources, validateOnly }) {
    const replacements = resources.map(({ resourceType, resourceName, configs }) => ({
      type: resourceType,
      name: resourceName,
      configs,
    }))
    const context = configContext(broker)
    const altered = await broker.metadata.change((image) => replaceConfigs(image, replacements, context, validateOnly))
    return { throttleTimeMs: 0, responses: alteredResponses(altered) }
  },
  fail: ({ resources }, error) => ({ throttleTimeMs: 0, responses: failedAlterations(resources, error) }),
})
