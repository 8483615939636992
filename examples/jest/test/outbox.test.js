const { Kafka, logLevel } = require('kafkajs')
const { broker } = require('odradek/jest')
const { Outbox } = require('../src/outbox.js')

const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })

beforeEach(() => broker.createTopics(['events']))
afterEach(() => broker.reset())

test('events leave in the order in which they were added', async () => {
  const outbox = new Outbox(kafka, broker.topic('events'))
  outbox.add('cart', { added: 'apple' })
  outbox.add('cart', { added: 'pear' })
  await outbox.flush()
  const events = await broker.waitForMessages('events', 2)
  expect(events.map((event) => event.json())).toEqual([{ added: 'apple' }, { added: 'pear' }])
})

test('an answer that is lost does not double an event', async () => {
  const topic = broker.topic('events')
  const { id } = await broker.request('POST', '/faults', { kind: 'lose-answer', api: 'Produce', topic, times: 1 })
  const outbox = new Outbox(kafka, topic)
  outbox.add('cart', { added: 'plum' })
  await outbox.flush()
  expect((await broker.messages('events')).map((event) => event.json())).toEqual([{ added: 'plum' }])
  expect(await broker.request('GET', `/faults/${id}`)).toMatchObject({ fired: 1 })
})
