import {
  api,
  array,
  bool,
  float64,
  int8,
  int16,
  int32,
  type RequestOf,
  type ResponseOf,
  string,
} from '../codec/schema.ts'

/**
 * The quotas whose entity matches: per component an exact name (0), the default (1) or any (2). Entries are null only
 * beside an error.
 */
export const DescribeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0-1', // 1 flexible
  flexible: '1+',
  request: {
    components: array({ entityType: string(), matchType: int8(), match: string().nullable() }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    entries: array({
      entity: array({ entityType: string(), entityName: string().nullable() }),
      values: array({ key: string(), value: float64() }),
    }).nullable(),
  },
})
export type DescribeClientQuotasRequest = RequestOf<typeof DescribeClientQuotas>
export type DescribeClientQuotasResponse = ResponseOf<typeof DescribeClientQuotas>
