import type { Message } from '../../protocol/codec/schema.ts'
import { apis } from '../../protocol/messages/all.ts'
import * as consumerProtocol from '../../protocol/messages/consumer-protocol.ts'
import * as headers from '../../protocol/messages/headers.ts'
import * as control from '../../protocol/messages/records/control.ts'
import { groupRecords } from '../../protocol/messages/records/group.ts'
import { metadataRecords } from '../../protocol/messages/records/metadata.ts'
import { shareRecords } from '../../protocol/messages/records/share.ts'
import { transactionRecords } from '../../protocol/messages/records/transaction.ts'

/** The record types of which key and value are messages, with their ids. */
export const keyedRecords = [...groupRecords, ...transactionRecords, ...shareRecords]

/** Every schema there is. */
export const messages: readonly Message[] = [
  ...apis.flatMap((api) => [api.request, api.response]),
  ...keyedRecords.flatMap(({ key, value }): Message[] => [key, value]),
  ...metadataRecords.map(({ schema }) => schema),
  ...Object.values(control),
  ...Object.values(consumerProtocol),
  ...Object.values(headers),
]
