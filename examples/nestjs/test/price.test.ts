import 'reflect-metadata'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { INestMicroservice } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientKafka, type MicroserviceOptions, Transport } from '@nestjs/microservices'
import { startBroker, type TestBroker } from 'odradek'
import { firstValueFrom, timeout } from 'rxjs'
import { PriceController } from '../src/price.controller.js'
import { PriceModule } from '../src/price.module.js'

let broker: TestBroker
let service: INestMicroservice
let client: ClientKafka

before(async () => {
  broker = await startBroker()
  const brokers = [broker.bootstrapServers]
  service = await NestFactory.createMicroservice<MicroserviceOptions>(PriceModule, {
    logger: ['error'],
    transport: Transport.KAFKA,
    options: { client: { brokers }, consumer: { groupId: 'prices', maxWaitTimeInMs: 100 } },
  })
  await service.listen()
  client = new ClientKafka({ client: { brokers }, consumer: { groupId: 'shop', maxWaitTimeInMs: 100 } })
  client.subscribeToResponseOf('price.of-basket')
  await client.connect()
})

after(async () => {
  await client?.close()
  await service?.close()
  await broker?.close()
})

test('the first request is answered', async () => {
  const basket = {
    items: [
      { price: 20, count: 2 },
      { price: 2, count: 1 },
    ],
  }
  const answer = client.send<{ total: number }>('price.of-basket', basket).pipe(timeout(10_000))
  assert.deepEqual(await firstValueFrom(answer), { total: 42 })
})

test('an event is handled', async () => {
  await firstValueFrom(client.emit('price.discontinued', { article: 'mangle' }))
  await broker.waitForGroup('prices-server', 'caught up')
  assert.deepEqual(service.get(PriceController).discontinued, ['mangle'])
})
