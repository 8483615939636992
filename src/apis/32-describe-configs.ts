import { DescribeConfigs, type DescribeConfigsRequest } from '../../protocol/messages/32-describe-configs.ts'
import { configContext } from '../broker/config-context.ts'
import type { DescribedConfig } from '../config/config-describer.ts'
import { describeConfigs as describeResource } from '../metadata/describe-configs.ts'
import { apiEntry } from './api-entry.ts'

export const describeConfigs = apiEntry(DescribeConfigs, {
  handle({ broker }, request) {
    const { image } = broker.metadata
    const results = request.resources.map(({ resourceType, resourceName, configurationKeys }) => {
      const described = describeResource(image, resourceType, resourceName, configurationKeys, configContext(broker))
      return {
        errorCode: described.error,
        errorMessage: described.message,
        resourceType,
        resourceName,
        configs: described.configs.map((config) => shape(config, request)),
      }
    })
    return { throttleTimeMs: 0, results }
  },
  fail: ({ resources }, errorCode) => ({
    throttleTimeMs: 0,
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: null,
      resourceType,
      resourceName,
      configs: [],
    })),
  }),
})

function shape(config: DescribedConfig, { includeSynonyms, includeDocumentation }: DescribeConfigsRequest) {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    configSource: config.source,
    isSensitive: config.sensitive,
    synonyms: includeSynonyms ? config.synonyms : [],
    configType: config.type,
    documentation: includeDocumentation ? config.documentation : null,
  }
}
