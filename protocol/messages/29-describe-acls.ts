import { api, array, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * The ACLs that match a filter. Types: resource 1 any, 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation
 * token, 7 user; pattern 1 any, 2 match, 3 literal, 4 prefixed. Null names, principals and hosts match everything.
 */
export const DescribeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: '1-3', // 1 pattern type · 2 flexible · 3 user resources
  flexible: '2+',
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string().nullable(),
    patternTypeFilter: int8().default(3),
    principalFilter: string().nullable(),
    hostFilter: string().nullable(),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8().default(3),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>
