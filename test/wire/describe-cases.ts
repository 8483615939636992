import { afterAll, beforeAll, describe, it } from 'vitest'
import { Broker } from '../../compat-tests/broker.ts'
import { runCase } from './run-case.ts'
import { fixtureSettings } from './settings.ts'
import { FIXTURES, type WireCase } from './wire-case.ts'

/** Each case as a test of its own against our broker, which runs as a process of its own per fixture. */
export function describeWireCases(subject: string, cases: readonly WireCase[]): void {
  for (const fixture of FIXTURES) {
    const ofFixture = cases.filter((one) => one.fixture === fixture)
    if (ofFixture.length === 0) continue
    describe(fixture === 'default' ? subject : `${subject}, ${fixture} broker`, () => {
      let broker: Broker | undefined

      beforeAll(async () => {
        broker = new Broker('odradek', fixtureSettings[fixture])
        await broker.start()
      })

      afterAll(async () => {
        await broker?.dispose()
      })

      it.each(ofFixture.map((one) => [`${one.group} > ${one.title}`, one] as const))('%s', async (_, one) => {
        await runCase(one, { kind: 'odradek', host: broker!.host, port: broker!.port })
      })
    })
  }
}
