import { api, array, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * The names of resources that have configs. Version 0 was ListClientMetricsResources and lists only these; no type
 * means all types.
 */
export const ListConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1', // 1 resource types
  flexible: '0+',
  request: { resourceTypes: array(int8(), '1+') },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({ resourceName: string(), resourceType: int8('1+').default(16).ignorable() }),
  },
})
export type ListConfigResourcesRequest = RequestOf<typeof ListConfigResources>
export type ListConfigResourcesResponse = ResponseOf<typeof ListConfigResources>
