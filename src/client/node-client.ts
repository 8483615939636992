import { foregroundClock } from '../io/foreground-clock.ts'
import { nodeDialer } from '../io/node-dial.ts'
import { nodeRandom } from '../io/node-random.ts'
import { KafkaClient, type KafkaClientDependencies, type KafkaClientOptions } from './kafka-client.ts'

/** TCP and the machine's clock, for a program that ends when its work is done. */
export const nodeDependencies: KafkaClientDependencies = {
  dialer: nodeDialer,
  clock: foregroundClock,
  random: nodeRandom,
}

/** See KafkaClient.connect. */
export function connectClient(options: KafkaClientOptions): Promise<KafkaClient> {
  return KafkaClient.connect(options, nodeDependencies)
}
