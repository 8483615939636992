import { Heartbeat, type HeartbeatRequest, type HeartbeatResponse } from '../../protocol/messages/12-heartbeat.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

export const heartbeat = apiEntry(Heartbeat, {
  handle: handleHeartbeat,
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
})

async function handleHeartbeat({ broker }: RequestContext, request: HeartbeatRequest): Promise<HeartbeatResponse> {
  const { error } = await broker.groups.heartbeat(request)
  return { throttleTimeMs: 0, errorCode: error }
}
