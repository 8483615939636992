import type { GroupState } from '../coordinator/group/group-notes.ts'

export type { GroupState }

/** What every event says of itself. */
export interface BrokerEventBase {
  /** Tells the brokers of one process apart where they are not of one cluster. */
  readonly clusterId: string
  /** The broker at which it happened; for topics and leaders the one that stands for the cluster. */
  readonly brokerId: number
  /** Wall clock of the broker, in milliseconds since the epoch. */
  readonly timestampMs: number
}

/** A client connected. */
export interface ConnectEvent extends BrokerEventBase {
  /** Unique for its broker as long as the process lives. */
  readonly connectionId: number
  /** Name of the listener, as in `PLAINTEXT`. */
  readonly listener: string
  readonly clientAddress: string
}

/** A connection is gone, whoever closed it. */
export interface DisconnectEvent extends ConnectEvent {
  /** Null when it ended in good order. */
  readonly error: Error | null
}

/** A request was read and is about to be handled. */
export interface RequestEvent extends BrokerEventBase {
  readonly connectionId: number
  readonly clientAddress: string
  /** Null when the client sent none. */
  readonly clientId: string | null
  /** Kafka's name, as in `Produce`. */
  readonly api: string
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** Of the frame, without the four bytes of its size. */
  readonly sizeBytes: number
}

/** A request was answered, or will have no answer. The answer may still wait for those before it on the connection. */
export interface ResponseEvent extends RequestEvent {
  /** From the `request` to here, with fractions. */
  readonly durationMs: number
  /** silent: a produce with acks=0. disconnect: the connection is closed instead. never: a fault keeps the answer. */
  readonly outcome: 'answered' | 'silent' | 'disconnect' | 'never'
  /** Each of Kafka's error codes that the answer holds, at whatever place, once; empty when all went well. */
  readonly errorCodes: readonly number[]
}

/** One partition of a Produce request, appended as durably as its acks ask for, or refused. */
export interface ProduceEvent extends BrokerEventBase {
  readonly connectionId: number
  readonly clientId: string | null
  /** Where it went. */
  readonly topic: string
  readonly partition: number
  /** What the client asked for, where an interceptor sent it elsewhere; else null. */
  readonly routedFrom: { readonly topic: string; readonly partition: number } | null
  /** Offset of the first record, -1 when it was refused. */
  readonly baseOffset: number
  /** As the batch says; 0 where there is no batch. */
  readonly recordCount: number
  /** As the client sent them. */
  readonly sizeBytes: number
  /** -1 unless the producer is idempotent, as are the next two. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** 0, 1, or -1 for all. */
  readonly acks: number
  /** 0 when it was appended. */
  readonly errorCode: number
  readonly errorMessage: string | null
  /** An idempotent producer sent it before: nothing was appended, and baseOffset is that of then. */
  readonly duplicate: boolean
}

/** Records of one partition are on their way to a consumer. Partitions without records have no event. */
export interface FetchEvent extends BrokerEventBase {
  readonly connectionId: number
  readonly clientId: string | null
  readonly topic: string
  readonly partition: number
  /** What was asked for; the first batch may begin before it. */
  readonly fetchOffset: number
  readonly sizeBytes: number
  readonly highWatermark: number
}

/** A group's offset of one partition is stored. */
export interface CommitEvent extends BrokerEventBase {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** The next one to consume. */
  readonly offset: number
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** Empty for an administrator or a consumer that assigns its partitions itself. */
  readonly memberId: string
  /** -1 likewise. */
  readonly generationId: number
}

/** A group went from one state to another. */
export interface RebalanceEvent extends BrokerEventBase {
  readonly groupId: string
  readonly before: GroupState
  readonly after: GroupState
  readonly generationId: number
  readonly memberCount: number
  /** In words: what made this step. */
  readonly reason: string
  /** In words: what began the rebalance that this step belongs to; null where it is not known any more. */
  readonly cause: string | null
}

/** Somebody came into a group or is in it no longer. */
export interface MemberEvent extends BrokerEventBase {
  readonly groupId: string
  /** replaced: a static member came back under a new id. */
  readonly change: 'joined' | 'left' | 'replaced'
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Afterwards. */
  readonly memberCount: number
  /** In words. */
  readonly reason: string
}

/** A group is gone, and what it had committed. */
export interface GroupDeletedEvent extends BrokerEventBase {
  readonly groupId: string
  /** expiration: nobody was in it and its last offset was forgotten. */
  readonly by: 'request' | 'expiration'
}

/** A topic can be used; internal ones too. */
export interface TopicCreatedEvent extends BrokerEventBase {
  readonly topic: string
  /** 22 characters of base64url. */
  readonly topicId: string
  readonly partitionCount: number
  /** One of Kafka's own, as `__consumer_offsets`. */
  readonly internal: boolean
}

/** A topic is gone. */
export interface TopicDeletedEvent extends BrokerEventBase {
  readonly topic: string
  readonly topicId: string
}

/** A partition is led by another broker than before. */
export interface LeaderChangeEvent extends BrokerEventBase {
  readonly topic: string
  readonly partition: number
  /** -1 when nobody led it. */
  readonly from: number
  /** -1 when nobody leads it now. */
  readonly to: number
  readonly leaderEpoch: number
}

/** All events by name. */
export interface BrokerEventMap {
  readonly connect: ConnectEvent
  readonly disconnect: DisconnectEvent
  readonly request: RequestEvent
  readonly response: ResponseEvent
  readonly produce: ProduceEvent
  readonly fetch: FetchEvent
  readonly commit: CommitEvent
  readonly rebalance: RebalanceEvent
  readonly member: MemberEvent
  readonly groupDeleted: GroupDeletedEvent
  readonly topicCreated: TopicCreatedEvent
  readonly topicDeleted: TopicDeletedEvent
  readonly leaderChange: LeaderChangeEvent
}

/** What can be listened to. */
export type BrokerEventName = keyof BrokerEventMap

export const BROKER_EVENT_NAMES: readonly BrokerEventName[] = Object.freeze([
  'connect',
  'disconnect',
  'request',
  'response',
  'produce',
  'fetch',
  'commit',
  'rebalance',
  'member',
  'groupDeleted',
  'topicCreated',
  'topicDeleted',
  'leaderChange',
])
