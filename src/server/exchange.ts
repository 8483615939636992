import type { Api, RequestOf, ResponseOf } from '../../protocol/codec/schema.ts'
import type { ApiEntry, NoReply } from '../apis/api-entry.ts'
import type { RequestContext } from '../apis/context.ts'
import type { Connection } from './connection.ts'
import type { ReplySlot } from './reply-queue.ts'
import type { Intake } from './request-intake.ts'
import type { RequestObservation } from './request-observation.ts'

/** `never`: no bytes, and no later reply either, since replies leave in order; only a fault asks for it. */
export type Answer = ResponseOf<Api> | NoReply | 'never'

/** One request being answered. */
export interface Exchange {
  readonly connection: Connection
  readonly intake: Intake
  readonly slot: ReplySlot
  readonly entry: ApiEntry
  readonly context: RequestContext
  readonly request: RequestOf<Api>
  /** What a fault makes of the answer once the work is done; null where there is none. */
  readonly alter: ((answer: Answer) => Answer) | null
  /** Null where nobody wants to know. */
  readonly observation: RequestObservation | null
}
