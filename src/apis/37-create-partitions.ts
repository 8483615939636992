import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import { createPartitions as decideCreation } from '../metadata/create-partitions.ts'
import { apiEntry } from './api-entry.ts'

export const createPartitions = apiEntry(CreatePartitions, {
  async handle({ broker }, { topics, validateOnly }) {
    const { metadata, topicDefaults } = broker
    const created = await metadata.change((image) => decideCreation(image, topics, topicDefaults, validateOnly))
    return {
      throttleTimeMs: 0,
      results: created.map(({ name, error, message }) => ({ name, errorCode: error, errorMessage: message })),
    }
  },
  fail: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    results: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
  }),
})
