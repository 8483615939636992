import { ErrorCode } from '../../protocol/errors.ts'
import { type CommitNote, type GroupNote, groupReasonText } from '../coordinator/group/group-notes.ts'
import type { BrokerEvents, EventOrigin } from './broker-events.ts'

/** What the group coordinator notes, as events. */
export function emitGroupNotes(events: BrokerEvents, origin: EventOrigin, notes: readonly GroupNote[]): void {
  for (const note of notes) emitGroupNote(events, origin, note)
}

function emitGroupNote(events: BrokerEvents, origin: EventOrigin, note: GroupNote): void {
  switch (note.kind) {
    case 'commit':
      if (events.has('commit')) emitCommit(events, origin, note)
      return
    case 'state': {
      if (!events.has('rebalance')) return
      const { groupId, before, after, generationId, memberCount, reason, cause } = note
      events.emit('rebalance', origin, {
        ...{ groupId, before, after, generationId, memberCount },
        reason: groupReasonText(reason),
        cause: cause === null ? null : groupReasonText(cause),
      })
      return
    }
    case 'member': {
      if (!events.has('member')) return
      const { groupId, change, memberId, groupInstanceId, clientId, clientHost, memberCount, reason } = note
      events.emit('member', origin, {
        ...{ groupId, change, memberId, groupInstanceId, clientId, clientHost, memberCount },
        reason: groupReasonText(reason),
      })
      return
    }
    case 'deleted':
      events.emit('groupDeleted', origin, { groupId: note.groupId, by: note.by })
  }
}

function emitCommit(events: BrokerEvents, origin: EventOrigin, { call, errors }: CommitNote): void {
  const { groupId, memberId, generationId } = call
  call.offsets.forEach(({ topic, partition, offset, leaderEpoch, metadata }, at) => {
    if (errors[at] !== ErrorCode.NONE) return
    const place = { topic, partition, offset, leaderEpoch, metadata }
    events.emit('commit', origin, { groupId, ...place, memberId, generationId })
  })
}
