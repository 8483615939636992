import { runChecked } from '../../process.ts'
import { IMAGE } from '../image.ts'
import { type Language, programOf } from '../languages.ts'
import type { Scenario } from '../scenario.ts'

/** Each module as it is, with the name of our image in place of its own. */
const MODULES: readonly (readonly [name: string, language: Language, mode: string, image: string])[] = [
  ['Java: org.testcontainers.kafka.KafkaContainer', 'java', 'apache', IMAGE.ours],
  ['Java: org.testcontainers.kafka.ConfluentKafkaContainer', 'java', 'confluent', IMAGE.ours],
  ['Java: org.testcontainers.containers.KafkaContainer: ZooKeeper', 'java', 'legacy', IMAGE.zookeeper],
  ['Java: org.testcontainers.containers.KafkaContainer: KRaft', 'java', 'legacy-kraft', IMAGE.zookeeper],
  ['Go: testcontainers-go/modules/kafka', 'go', '', IMAGE.ours],
  ['Python: KafkaContainer, which starts ZooKeeper first', 'python', 'zookeeper', IMAGE.ours],
  ['Python: KafkaContainer.with_kraft()', 'python', 'kraft', IMAGE.zookeeper],
]

export const languageScenarios: readonly Scenario[] = MODULES.map(([name, needs, mode, image]) => ({
  name,
  needs,
  run: async ({ note }) => {
    const [program, ...args] = programOf(needs, mode, image)
    const { stdout } = await runChecked(program, args, { timeoutMs: 120_000 })
    note(stdout.trim().split('\n').at(-1) ?? '')
  },
}))
