const { brokerSetup } = require('odradek/jest/setup')

module.exports = brokerSetup({ brokers: 2, config: { 'auto.create.topics.enable': false } })
