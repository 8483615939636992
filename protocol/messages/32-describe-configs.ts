import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * The configs of topics (type 2), brokers (4), broker loggers (8), client metrics (16) and groups (32), with their
 * sources and synonyms. Null keys means all; values of sensitive configs are null. Connect refuses to start on what it
 * reads here (cleanup.policy).
 */
export const DescribeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4', // 1 source, synonyms · 3 type, documentation · 4 flexible
  flexible: '4+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string()).nullable(),
    }),
    includeSynonyms: bool().default(false),
    includeDocumentation: bool('3+').default(false),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().default(-1).ignorable(),
        isSensitive: bool(),
        synonyms: array({ name: string(), value: string().nullable(), source: int8() }).ignorable(),
        configType: int8('3+').default(0).ignorable(),
        documentation: string('3+').nullable().ignorable(),
      }),
    }),
  },
})
export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof DescribeConfigs>
