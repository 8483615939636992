import type { DeletedSegments } from '../storage/disk-use.ts'
import type { BudgetStatus } from './disk-budget.ts'

/** More logs than this are not named in one line. */
const NAMED_LOGS = 5

/** What happened, why and what to do, with the numbers; one sentence for the log and for the answer to a producer. */
export function stateText(status: BudgetStatus): string {
  const { topic, state, usedBytes, leavingBytes, highBytes, lowBytes } = status
  const whose = topic === null ? 'the disk budget' : `the disk budget of topic ${topic}`
  const numbers = `${usedBytes} bytes are used of ${highBytes} (${settingOf(topic)})`
  if (state === 'open') return `${whose} has room again: ${numbers}; producers are served`
  if (state === 'deleting') {
    return `${whose} is used up: ${numbers}, ${leavingBytes} of them are about to be removed; the oldest closed segments go down to ${lowBytes} bytes`
  }
  return `${whose} is used up: ${numbers}; producers have to wait until it is at most ${lowBytes} bytes. To make room delete records or topics, lower retention, allow odradek.disk.budget.action=delete, or raise the budget`
}

/** Which logs lost what. */
export function deletedText({ topic, lowBytes }: BudgetStatus, deleted: readonly DeletedSegments[]): string {
  const total = deleted.reduce(
    (sum, { segments, bytes }) => ({ segments: sum.segments + segments, bytes: sum.bytes + bytes }),
    { segments: 0, bytes: 0 },
  )
  const named = deleted
    .slice(0, NAMED_LOGS)
    .map(({ topic: name, partition, logStartOffset }) => `${name}-${partition} now starts at ${logStartOffset}`)
  const more = deleted.length > NAMED_LOGS ? ` and ${deleted.length - NAMED_LOGS} more` : ''
  const whose = topic === null ? 'the disk budget' : `the disk budget of topic ${topic}`
  return `${whose}: ${total.segments} closed segments with ${total.bytes} bytes are deleted, the oldest first, to get down to ${lowBytes} bytes: ${named.join(', ')}${more}`
}

function settingOf(topic: string | null): string {
  return topic === null ? 'odradek.disk.budget.high' : 'odradek.disk.budget.bytes'
}
