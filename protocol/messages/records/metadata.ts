/**
 * The records of the metadata log, `__cluster_metadata`. A value is three unsigned varints (frame version 1, type id,
 * version) and then the record.
 */

import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  string,
  uint16,
  uuid,
} from '../../codec/schema.ts'

export const RegisterBrokerRecord = message({
  name: 'RegisterBrokerRecord',
  versions: '0-4',
  flexible: '0+',
  fields: {
    brokerId: int32(),
    isMigratingZkBroker: bool('2+').default(false),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: string().nullable(),
    fenced: bool().default(true),
    inControlledShutdown: bool('1+').default(false),
    logDirs: array(uuid(), '3+').tag(0, '3+'),
    cordonedLogDirs: array(uuid(), '4+').nullable().default(null).tag(1, '4+'),
  },
})

export const UnregisterBrokerRecord = message({
  name: 'UnregisterBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: { brokerId: int32(), brokerEpoch: int64() },
})

export const TopicRecord = message({
  name: 'TopicRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string(), topicId: uuid() },
})

export const PartitionRecord = message({
  name: 'PartitionRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32().default(-1),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32().default(-1),
    leaderRecoveryState: int8().default(0).tag(0, '0+'),
    leaderEpoch: int32().default(-1),
    partitionEpoch: int32().default(-1),
    directories: array(uuid(), '1+'),
    eligibleLeaderReplicas: array(int32(), '2+').nullable().default(null).tag(1, '2+'),
    lastKnownElr: array(int32(), '2+').nullable().default(null).tag(2, '2+'),
  },
})

export const ConfigRecord = message({
  name: 'ConfigRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string().nullable(),
  },
})

export const PartitionChangeRecord = message({
  name: 'PartitionChangeRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32().default(-1),
    topicId: uuid(),
    isr: array(int32()).nullable().default(null).tag(0, '0+'),
    leader: int32().default(-2).tag(1, '0+'),
    replicas: array(int32()).nullable().default(null).tag(2, '0+'),
    removingReplicas: array(int32()).nullable().default(null).tag(3, '0+'),
    addingReplicas: array(int32()).nullable().default(null).tag(4, '0+'),
    leaderRecoveryState: int8().default(-1).tag(5, '0+'),
    directories: array(uuid(), '1+').nullable().default(null).tag(8, '1+'),
    eligibleLeaderReplicas: array(int32(), '2+').nullable().default(null).tag(6, '2+'),
    lastKnownElr: array(int32(), '2+').nullable().default(null).tag(7, '2+'),
  },
})

export const FenceBrokerRecord = message({
  name: 'FenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: { id: int32(), epoch: int64() },
})

export const UnfenceBrokerRecord = message({
  name: 'UnfenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: { id: int32(), epoch: int64() },
})

export const RemoveTopicRecord = message({
  name: 'RemoveTopicRecord',
  versions: '0',
  flexible: '0+',
  fields: { topicId: uuid() },
})

export const DelegationTokenRecord = message({
  name: 'DelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
})

export const UserScramCredentialRecord = message({
  name: 'UserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  },
})

export const FeatureLevelRecord = message({
  name: 'FeatureLevelRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string(), featureLevel: int16() },
})

export const ClientQuotaRecord = message({
  name: 'ClientQuotaRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    entity: array({ entityType: string(), entityName: string().nullable() }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
})

export const ProducerIdsRecord = message({
  name: 'ProducerIdsRecord',
  versions: '0',
  flexible: '0+',
  fields: { brokerId: int32(), brokerEpoch: int64().default(-1), nextProducerId: int64() },
})

export const BrokerRegistrationChangeRecord = message({
  name: 'BrokerRegistrationChangeRecord',
  versions: '0-3',
  flexible: '0+',
  fields: {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8().tag(0, '0+'),
    inControlledShutdown: int8('1+').tag(1, '1+'),
    logDirs: array(uuid(), '2+').tag(2, '2+'),
    cordonedLogDirs: array(uuid(), '3+').nullable().default(null).tag(3, '3+'),
  },
})

export const AccessControlEntryRecord = message({
  name: 'AccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
})

export const RemoveAccessControlEntryRecord = message({
  name: 'RemoveAccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: { id: uuid() },
})

export const NoOpRecord = message({
  name: 'NoOpRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
})

export const ZkMigrationStateRecord = message({
  name: 'ZkMigrationStateRecord',
  versions: '0',
  flexible: '0+',
  fields: { zkMigrationState: int8() },
})

export const RemoveUserScramCredentialRecord = message({
  name: 'RemoveUserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string(), mechanism: int8() },
})

export const BeginTransactionRecord = message({
  name: 'BeginTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string().nullable().default(null).tag(0, '0+') },
})

export const EndTransactionRecord = message({
  name: 'EndTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
})

export const AbortTransactionRecord = message({
  name: 'AbortTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: { reason: string().nullable().default(null).tag(0, '0+') },
})

export const RemoveDelegationTokenRecord = message({
  name: 'RemoveDelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: { tokenId: string() },
})

export const RegisterControllerRecord = message({
  name: 'RegisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  },
})

export const ClearElrRecord = message({
  name: 'ClearElrRecord',
  versions: '0',
  flexible: '0+',
  fields: { topicName: string() },
})

/** By type id, ascending. 4.3.1 defines no 6, 13 and 16; 21 is left over from ZooKeeper and must still be readable. */
export const metadataRecords = [
  { id: 0, schema: RegisterBrokerRecord },
  { id: 1, schema: UnregisterBrokerRecord },
  { id: 2, schema: TopicRecord },
  { id: 3, schema: PartitionRecord },
  { id: 4, schema: ConfigRecord },
  { id: 5, schema: PartitionChangeRecord },
  { id: 7, schema: FenceBrokerRecord },
  { id: 8, schema: UnfenceBrokerRecord },
  { id: 9, schema: RemoveTopicRecord },
  { id: 10, schema: DelegationTokenRecord },
  { id: 11, schema: UserScramCredentialRecord },
  { id: 12, schema: FeatureLevelRecord },
  { id: 14, schema: ClientQuotaRecord },
  { id: 15, schema: ProducerIdsRecord },
  { id: 17, schema: BrokerRegistrationChangeRecord },
  { id: 18, schema: AccessControlEntryRecord },
  { id: 19, schema: RemoveAccessControlEntryRecord },
  { id: 20, schema: NoOpRecord },
  { id: 21, schema: ZkMigrationStateRecord },
  { id: 22, schema: RemoveUserScramCredentialRecord },
  { id: 23, schema: BeginTransactionRecord },
  { id: 24, schema: EndTransactionRecord },
  { id: 25, schema: AbortTransactionRecord },
  { id: 26, schema: RemoveDelegationTokenRecord },
  { id: 27, schema: RegisterControllerRecord },
  { id: 28, schema: ClearElrRecord },
] as const satisfies readonly { id: number; schema: Message }[]
