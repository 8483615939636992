const { broker } = require('odradek/jest')
const { everySample } = require('./meeting.cjs')

const address = { bootstrapServers: process.env.KAFKA_BROKERS, httpUrl: process.env.ODRADEK_HTTP_URL }
everySample({ broker, expect, test, address })
