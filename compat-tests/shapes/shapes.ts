import path from 'node:path'
import { readCircleConfig, readGitHubWorkflow, readGitLabPipeline } from './ci-files.ts'
import { readComposeFile } from './compose-file.ts'
import { isKafkaImage, type Service } from './service.ts'
import type { Standpoint } from './virtual-network.ts'

export interface Address {
  readonly from: Standpoint
  readonly bootstrap: string
}

export interface ExpectedTopic {
  readonly partitions: number
  readonly configs?: Readonly<Record<string, string>>
}

/** A file as it is found in the field, and what has to work when ours takes the place of its Kafka image. */
export interface Shape {
  readonly name: string
  readonly what: string
  /** Below `files/`. */
  readonly file: string
  /** The service that is the broker. */
  readonly broker: string
  /** Services with a Kafka image that have to end with 0, in this order. */
  readonly jobs?: readonly string[]
  /** What the surroundings of the compose file give to it. */
  readonly surroundings?: Readonly<Record<string, string>>
  /** Where a client has to succeed with everything it does. */
  readonly addresses: readonly Address[]
  readonly topics?: Readonly<Record<string, ExpectedTopic>>
  /** Partitions of a topic created without a number of them. */
  readonly defaultPartitions?: number
  readonly clusterId?: string
}

const host = (bootstrap: string): Address => ({ from: 'host', bootstrap })
const network = (bootstrap: string): Address => ({ from: 'network', bootstrap })

export const shapes: readonly Shape[] = [
  {
    name: 'two-listeners',
    what: 'one listener for the host, one for containers',
    file: 'two-listeners/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:29092')],
  },
  {
    name: 'apache-kraft',
    what: 'apache/kafka with everything said, for clients on the host',
    file: 'apache-kraft/compose.yml',
    broker: 'broker',
    addresses: [host('localhost:9092')],
    defaultPartitions: 3,
    clusterId: '4L6g3nShT-eMCtK--X86sw',
  },
  {
    name: 'nothing',
    what: 'an image and a port',
    file: 'nothing/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:9092')],
  },
  {
    name: 'confluent-kraft',
    what: 'cp-kafka with CLUSTER_ID and a healthcheck without .sh',
    file: 'confluent-kraft/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:29092')],
    clusterId: 'MkU3OEVBNTcwNTJENDM2Qk',
  },
  {
    name: 'confluent-zookeeper',
    what: 'cp-kafka beside a ZooKeeper, with the variables of that time',
    file: 'confluent-zookeeper/compose.yml',
    broker: 'broker',
    addresses: [host('localhost:29092'), network('broker:9092')],
  },
  {
    name: 'bitnami-kraft',
    what: 'Bitnami with KAFKA_CFG_ variables as a list',
    file: 'bitnami-kraft/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9094'), network('kafka:9092')],
    clusterId: 'AbCdEfGhIjKlMnOpQrStUv',
  },
  {
    name: 'bitnami-zookeeper',
    what: 'Bitnami with ALLOW_PLAINTEXT_LISTENER and a healthcheck under /opt/bitnami',
    file: 'bitnami-zookeeper/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9093'), network('kafka:9092')],
  },
  {
    name: 'wurstmeister',
    what: 'KAFKA_CREATE_TOPICS and KAFKA_ADVERTISED_HOST_NAME, topics made by nobody else',
    file: 'wurstmeister/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092')],
    topics: { orders: { partitions: 3 }, prices: { partitions: 1, configs: { 'cleanup.policy': 'compact' } } },
  },
  {
    name: 'wurstmeister-inside-outside',
    what: 'INSIDE and OUTSIDE, and topics over several lines',
    file: 'wurstmeister-inside-outside/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:9093')],
    topics: {
      visits: { partitions: 1 },
      'payments.in': { partitions: 2, configs: { 'cleanup.policy': 'delete' } },
      customers: { partitions: 1, configs: { 'cleanup.policy': 'compact' } },
    },
  },
  {
    name: 'spotify',
    what: 'ADVERTISED_HOST and ADVERTISED_PORT, in a file from before `services:`',
    file: 'spotify/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092')],
    defaultPartitions: 2,
  },
  {
    name: 'init-cub',
    what: 'a container that waits with cub and creates topics',
    file: 'init-cub/compose.yml',
    broker: 'kafka',
    jobs: ['kafka-init'],
    addresses: [host('localhost:9092'), network('kafka:29092')],
    topics: {
      'orders.created': { partitions: 3, configs: { 'retention.ms': '604800000' } },
      'orders.dead': { partitions: 1 },
    },
    clusterId: 'q1Sh-9_ISia_zwGINzRvyQ',
  },
  {
    name: 'init-wait-loop',
    what: 'containers that wait in loops, with a mounted script and nc',
    file: 'init-wait-loop/compose.yml',
    broker: 'kafka',
    jobs: ['topics', 'probe'],
    addresses: [host('localhost:9092'), network('kafka:29092')],
    topics: { clicks: { partitions: 6 }, views: { partitions: 6 } },
  },
  {
    name: 'cluster-id-healthcheck',
    what: 'a healthcheck that asks for the cluster id',
    file: 'cluster-id-healthcheck/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092')],
  },
  {
    name: 'storage-format',
    what: 'a command that formats and starts by itself, with a mounted server.properties',
    file: 'storage-format/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:19092')],
    defaultPartitions: 4,
    clusterId: '7kq-ZzZ1QbGm0l3m5wXg2A',
  },
  {
    name: 'mounted-properties',
    what: 'a server.properties in /mnt/shared/config, and one variable above it',
    file: 'mounted-properties/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:29092')],
    defaultPartitions: 5,
  },
  {
    name: 'anchors-and-defaults',
    what: 'YAML anchors, and variables with defaults',
    file: 'anchors-and-defaults/compose.yml',
    broker: 'kafka',
    surroundings: { PUBLIC_HOST: 'localhost', KAFKA_PORT: '9192' },
    addresses: [host('localhost:9192'), network('kafka:19092')],
    defaultPartitions: 6,
  },
  {
    name: 'env-file',
    what: 'an env_file, trailing commas, and a cluster id with padding',
    file: 'env-file/docker-compose.yaml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('kafka:9094')],
  },
  {
    name: 'advertised-only',
    what: 'confluent-local with three variables',
    file: 'advertised-only/compose.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092'), network('broker:29092')],
  },
  {
    name: 'connect-beside',
    what: 'Kafka Connect and a console beside it, nothing for the host',
    file: 'connect-beside/compose.yml',
    broker: 'kafka',
    addresses: [network('kafka:9092')],
  },
  {
    name: 'kafka-ui-beside',
    what: 'a web console beside it, and a command that ends in the start script of Confluent',
    file: 'kafka-ui-beside/compose.yml',
    broker: 'kafka0',
    addresses: [host('localhost:9092'), network('kafka0:29092')],
  },
  {
    name: 'github-nothing',
    what: 'GitHub Actions, an image and a port',
    file: 'github-nothing/workflow.yml',
    broker: 'kafka',
    addresses: [host('localhost:9092')],
  },
  {
    name: 'github-env',
    what: 'GitHub Actions with environment, for steps on the runner',
    file: 'github-env/workflow.yml',
    broker: 'kafka',
    addresses: [host('localhost:29092')],
  },
  {
    name: 'github-health-cmd',
    what: 'GitHub Actions with --health-cmd',
    file: 'github-health-cmd/workflow.yml',
    broker: 'kafka',
    addresses: [host('localhost:9094')],
  },
  {
    name: 'github-health-cmd-bare',
    what: 'GitHub Actions with steps in a container, a healthcheck and no environment',
    file: 'github-health-cmd-bare/workflow.yml',
    broker: 'kafka',
    addresses: [network('kafka:9092'), network('broker:9092')],
  },
  {
    name: 'gitlab',
    what: 'GitLab with the variables of the job',
    file: 'gitlab/.gitlab-ci.yml',
    broker: 'kafka',
    addresses: [network('kafka:9092')],
  },
  {
    name: 'gitlab-nothing',
    what: 'GitLab with an image only, reached by the name GitLab gives',
    file: 'gitlab-nothing/.gitlab-ci.yml',
    broker: 'apache-kafka',
    addresses: [network('apache-kafka:9092'), network('apache__kafka:9092')],
  },
  {
    name: 'circleci',
    what: 'CircleCI, where containers share their network',
    file: 'circleci/config.yml',
    broker: 'beside-1',
    addresses: [{ from: 'own', bootstrap: 'localhost:9092' }],
  },
]

/** All services of a shape's file, with absolute paths. */
export function servicesOf({ file, surroundings = {} }: Shape): readonly Service[] {
  const place = path.join(import.meta.dirname, 'files', file)
  if (file.endsWith('workflow.yml')) return readGitHubWorkflow(place)
  if (file.endsWith('.gitlab-ci.yml')) return readGitLabPipeline(place)
  return file.startsWith('circleci/') ? readCircleConfig(place) : readComposeFile(place, surroundings)
}

/** A service with a Kafka image; where there is none of that name the shape's entry is wrong. */
export function kafkaService(services: readonly Service[], name: string): Service {
  const found = services.find((service) => service.name === name)
  if (found === undefined || !isKafkaImage(found.image))
    throw new Error(`there is no service ${name} with Kafka's image`)
  return found
}
