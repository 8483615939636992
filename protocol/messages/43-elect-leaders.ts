import { api, array, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Makes the preferred replica, or any live one (type 1, unclean), the leader. Null topicPartitions means all. A
 * partition whose preferred replica leads already gets ELECTION_NOT_NEEDED.
 */
export const ElectLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2', // 1 election type, top-level error · 2 flexible
  flexible: '2+',
  request: {
    electionType: int8('1+'),
    topicPartitions: array({ topic: string(), partitions: array(int32()) }).nullable(),
    timeoutMs: int32().default(60000),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('1+'),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({ partitionId: int32(), errorCode: int16(), errorMessage: string().nullable() }),
    }),
  },
})
export type ElectLeadersRequest = RequestOf<typeof ElectLeaders>
export type ElectLeadersResponse = ResponseOf<typeof ElectLeaders>
