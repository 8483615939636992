import type { RequestContext } from './context.ts'

/** A broker, and where the client that asks can reach it. */
export interface ReachableBroker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The live brokers, in order of id, as told to this client. */
export function reachableBrokers({ broker, connection }: RequestContext): ReachableBroker[] {
  return broker.membership
    .brokers(connection.listener.name)
    .map(({ host, ...rest }) => ({ ...rest, host: host ?? connection.advertisedHost }))
}

/** Where the brokers with these ids are (KIP-951). */
export function nodeEndpoints(context: RequestContext, ids: readonly number[]) {
  return reachableBrokers(context)
    .filter(({ id }) => ids.includes(id))
    .map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }))
}
