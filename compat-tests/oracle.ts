import { dirname } from 'node:path'
import { compareCompaction } from './compaction.ts'
import { compareCompactedFiles } from './compaction-files.ts'
import { verifyDigest } from './conformance.ts'
import { verifyGolden } from './golden.ts'
import { compareLoaded } from './loaded-by-kafka.ts'
import { kafkaClasspath } from './toolchains.ts'
import { runWireCases } from './wire-cases.ts'

/**
 * `npm run oracle`: whether what our tests take for Kafka's behaviour is true of Apache Kafka 4.3.1: the digest of its
 * message definitions, the bytes its classes write, what its cleaner and its retention leave of a log, what it reads
 * from our files, and its answers to every hand-made request of test/wire.
 */

const SHOWN_DIFFERENCES = 10

async function main(): Promise<void> {
  const jars = dirname(await kafkaClasspath())
  let [passed, failed] = [0, 0]
  const judge = (what: string, differences: readonly string[]) => {
    if (differences.length === 0) passed++
    else failed++
    console.log(`${differences.length === 0 ? 'pass' : 'FAIL'}  ${what}`)
    for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) console.log(`      ${difference}`)
  }
  judge('message definitions', verifyDigest(jars))
  judge('golden bytes', verifyGolden(jars))
  judge('compaction and retention: the same records are left', await compareCompaction())
  judge('compaction of transactions: the same records are left of the same files', await compareCompactedFiles())
  judge('Apache Kafka on our partition directories: the same records, and nothing to repair', await compareLoaded())
  await runWireCases('kafka', {
    report({ name, passed: asExpected, detail }) {
      if (!asExpected) judge(name, [detail])
      else if (++passed % 100 === 0) console.log(`      ${passed} as expected`)
    },
  })
  console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}

await main()
