import type { Decision } from './metadata.ts'
import type { MetadataImage } from './metadata-image.ts'
import { producerIdsRecord } from './metadata-record.ts'

/** As many as Kafka's controller hands to a broker at a time. */
const BLOCK_SIZE = 1000

export interface ProducerIdBlock {
  readonly firstProducerId: number
  readonly count: number
}

/** Sets the next block aside: once this is recorded, no other start will hand out its ids. */
export function allocateProducerIds(image: MetadataImage, brokerId: number): Decision<ProducerIdBlock> {
  const firstProducerId = image.nextProducerId
  const nextProducerId = firstProducerId + BLOCK_SIZE
  if (nextProducerId > Number.MAX_SAFE_INTEGER) throw new RangeError('all producer ids are used up')
  return {
    records: [producerIdsRecord({ brokerId, brokerEpoch: image.offset, nextProducerId })],
    result: { firstProducerId, count: BLOCK_SIZE },
  }
}
