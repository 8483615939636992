import { batchProblem, readBatchHeader } from '../../protocol/records/batch.ts'
import type { AppendResult, LogIdentity } from '../storage/storage.ts'
import type { BrokerEvents, EventFields, EventOrigin } from './broker-events.ts'

interface Answer {
  readonly baseOffset: number
  readonly errorCode: number
  readonly errorMessage?: string | null | undefined
}

type Batch = Pick<EventFields<'produce'>, 'recordCount' | 'sizeBytes' | 'producerId' | 'producerEpoch' | 'baseSequence'>

interface Observed {
  readonly topic: string
  readonly partition: number
  readonly batch: Batch
  readonly answer: Answer
  /** Of the append, once there is one. */
  log: LogIdentity | null
  duplicate: boolean
}

const NO_BATCH: Batch = { recordCount: 0, sizeBytes: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 }

/** One Produce request as those see it who listen to `produce`; exists only where somebody does. */
export class ProduceObservation {
  /** By the response of each partition, which is filled in later. */
  readonly #partitions = new Map<Answer, Observed>()

  /** Before anything is done with the records: their bytes belong to the log soon. */
  add(topic: string, partition: number, records: Buffer | null, answer: Answer): void {
    const batch = records === null ? NO_BATCH : describeBatch(records)
    this.#partitions.set(answer, { topic, partition, batch, answer, log: null, duplicate: false })
  }

  appended(answer: Answer, log: LogIdentity, { duplicate }: AppendResult): void {
    const observed = this.#partitions.get(answer)
    if (observed === undefined) return
    observed.log = log
    observed.duplicate = duplicate ?? false
  }

  emit(
    events: BrokerEvents,
    origin: EventOrigin,
    sender: Pick<EventFields<'produce'>, 'connectionId' | 'clientId' | 'acks'>,
  ): void {
    for (const { topic, partition, batch, answer, log, duplicate } of this.#partitions.values()) {
      const { baseOffset, errorCode, errorMessage = null } = answer
      const routed = log !== null && (log.topic !== topic || log.partition !== partition)
      events.emit('produce', origin, {
        ...sender,
        topic: log?.topic ?? topic,
        partition: log?.partition ?? partition,
        routedFrom: routed ? { topic, partition } : null,
        ...batch,
        ...{ baseOffset, errorCode, errorMessage, duplicate },
      })
    }
  }
}

function describeBatch(records: Buffer): Batch {
  if (batchProblem(records, 0) !== null) return { ...NO_BATCH, sizeBytes: records.length }
  const { recordCount, producerId, producerEpoch, baseSequence } = readBatchHeader(records, 0)
  return { recordCount, sizeBytes: records.length, producerId, producerEpoch, baseSequence }
}
