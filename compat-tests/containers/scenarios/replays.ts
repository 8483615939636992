import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerContainer } from '../broker-container.ts'
import { roundTrip } from '../round-trip.ts'
import type { Scenario, World } from '../scenario.ts'

/** What a module does with an image, where the module itself is not run here. */
interface Module {
  readonly name: string
  readonly port: number
  readonly environment: Readonly<Record<string, string>>
  /** The first words of the command stand for the entrypoint. */
  readonly entrypoint: string
  readonly command: readonly string[]
  /** Puts the script in its place; `address` is what clients use. */
  readonly addScript: (container: BrokerContainer, address: string, world: World) => Promise<void>
  readonly readyLine: string
}

/** Waits for a script that comes when the mapped port is known: every module does so, each in its own words. */
function waitFor(script: string): string {
  return `while [ ! -f ${script} ]; do sleep 0.1; done; ${script}`
}

const DOTNET_SCRIPT = '/testcontainers.sh'
const DOTNET_ENVIRONMENT = {
  KAFKA_LISTENERS: 'PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094',
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '9223372036854775807',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
}
const DOTNET_KRAFT = {
  ...DOTNET_ENVIRONMENT,
  CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9094',
}
const DOTNET_ZOOKEEPER = {
  ...DOTNET_ENVIRONMENT,
  KAFKA_LISTENERS: 'PLAINTEXT://:9092,BROKER://:9093',
  KAFKA_BROKER_ID: '1',
  KAFKA_ZOOKEEPER_CONNECT: 'localhost:2181',
}

/** Copied into the running container, as root. The variable ends with a comma. */
async function copyDotnetScript(
  container: BrokerContainer,
  address: string,
  { docker, folder }: World,
  lines: readonly string[],
): Promise<void> {
  const ip = await container.inspect('{{.NetworkSettings.IPAddress}}')
  const advertised = `export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://${address},BROKER://${ip}:9093,`
  const script = join(folder, 'testcontainers.sh')
  writeFileSync(script, `${['#!/bin/bash', ...lines.slice(0, -1), advertised, ...lines.slice(-1)].join('\n')}\n`, {
    mode: 0o755,
  })
  await docker.run('cp', script, `${container.id}:${DOTNET_SCRIPT}`)
}

const RUST_SCRIPT = '/opt/kafka/testcontainers_start.sh'

const MODULES: readonly Module[] = [
  {
    name: 'what .NET’s KafkaBuilder does: Apache',
    port: 9092,
    environment: DOTNET_KRAFT,
    entrypoint: '/bin/sh',
    command: ['-c', waitFor(DOTNET_SCRIPT)],
    addScript: (container, address, world) =>
      copyDotnetScript(container, address, world, ['exec /etc/kafka/docker/run']),
    readyLine: 'Transitioning from RECOVERY to RUNNING',
  },
  {
    name: 'what .NET’s KafkaBuilder does: Confluent, ZooKeeper first',
    port: 9092,
    environment: DOTNET_ZOOKEEPER,
    entrypoint: '/bin/sh',
    command: ['-c', waitFor(DOTNET_SCRIPT)],
    addScript: (container, address, world) =>
      copyDotnetScript(container, address, world, [
        "echo '' > /etc/confluent/docker/ensure",
        "echo 'clientPort=2181' > zookeeper.properties",
        "echo 'dataDir=/var/lib/zookeeper/data' >> zookeeper.properties",
        "echo 'dataLogDir=/var/lib/zookeeper/log' >> zookeeper.properties",
        'zookeeper-server-start zookeeper.properties &',
        'exec /etc/confluent/docker/run',
      ]),
    readyLine: '[KafkaServer id=1] started',
  },
  {
    name: 'what Rust’s kafka::apache::Kafka does',
    port: 9092,
    environment: {
      KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9092,BROKER://0.0.0.0:9093,CONTROLLER://0.0.0.0:9094',
      CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
      KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:9092,BROKER://localhost:9092',
      KAFKA_BROKER_ID: '1',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9094',
    },
    entrypoint: 'bash',
    command: ['-c', `while [ ! -f ${RUST_SCRIPT} ]; do sleep 0.1; done; chmod 755 ${RUST_SCRIPT} && ${RUST_SCRIPT}`],
    // Written inside, by the user of the image.
    addScript: async (container, address) => {
      const advertised = `export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://${address},BROKER://localhost:9093`
      const lines = ['#!/usr/bin/env bash', advertised, '/etc/kafka/docker/run ', '']
      await container.exec('sh', '-c', `echo '${lines.join('\n')}' > ${RUST_SCRIPT}`)
    },
    readyLine: 'Kafka Server started',
  },
]

export const replayScenarios: readonly Scenario[] = MODULES.map((module) => ({
  name: module.name,
  run: async (world) => {
    const variables = Object.entries(module.environment).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    const options = ['--publish', `127.0.0.1::${module.port}`, '--entrypoint', module.entrypoint, ...variables]
    await using container = await BrokerContainer.run(world.docker, options, module.command)
    const address = await container.address(module.port)
    await module.addScript(container, address, world)
    await container.waitForLog(module.readyLine)
    assert.equal(await roundTrip(address), address)
    world.note(`replayed, not run: round trip through ${address}`)
  },
}))
