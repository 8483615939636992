import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Replaces all dynamic configs of a resource: what is not named is reset. Old tools send it; IncrementalAlterConfigs
 * is the safe one.
 */
export const AlterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2', // 2 flexible
  flexible: '2+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string().nullable() }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})
export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>
