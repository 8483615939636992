import { api, array, bool, float64, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

const entityData = { entityType: string(), entityName: string().nullable() }

/**
 * Sets and removes quotas per entity (user, client-id, ip or user and client-id; a null name is the default), each
 * entity with its own result.
 */
export const AlterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: '0-1', // 1 flexible
  flexible: '1+',
  request: {
    entries: array({
      entity: array(entityData),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      entity: array(entityData),
    }),
  },
})
export type AlterClientQuotasRequest = RequestOf<typeof AlterClientQuotas>
export type AlterClientQuotasResponse = ResponseOf<typeof AlterClientQuotas>
