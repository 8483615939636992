import type { RequestContext } from './context.ts'

/** Where the brokers with these ids are, as told to clients of the request's listener (KIP-951). */
export function nodeEndpoints({ broker, connection }: RequestContext, ids: readonly number[]) {
  return broker.membership
    .brokers(connection.listener.name)
    .filter(({ id }) => ids.includes(id))
    .map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }))
}
