import { brokerSetup } from 'odradek/vitest/setup'

export default brokerSetup({ brokers: 2, config: { 'auto.create.topics.enable': false } })
