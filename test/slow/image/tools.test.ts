import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { KAFKA_TOOLS } from '../../../src/cli/kafka/tools.ts'
import { repository } from '../../support/process.ts'

it('the image has a command for every tool of Kafka’s that there is, and for no other', () => {
  const list = readFileSync(path.join(repository, 'docker/rootfs/opt/odradek/image/kafka-tools.txt'), 'utf8')
  const tools = Object.keys(KAFKA_TOOLS).filter((name) => !name.endsWith('.sh'))
  expect(list.trim().split('\n')).toEqual(tools.sort())
})
