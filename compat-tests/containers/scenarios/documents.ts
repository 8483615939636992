import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runChecked } from '../../process.ts'
import { repositoryRoot } from '../../toolchains.ts'
import { withHostName } from '../host-name.ts'
import { IMAGE } from '../image.ts'
import type { Scenario, World } from '../scenario.ts'

const DOCUMENT = 'docs/testcontainers.md'

/** What stands in the document, with what is here: this source and this image. */
const STAND_INS: readonly (readonly [documented: string, here: string])[] = [
  ["'odradek/testcontainers'", `'${join(repositoryRoot, 'src', 'containers', 'testcontainers.ts')}'`],
  ['new OdradekContainer()', `new OdradekContainer('${IMAGE.ours}')`],
  ["new KafkaContainer('odradek:8.3.0')", `new KafkaContainer('${IMAGE.kraft}')`],
  ["new GenericContainer('odradek')", `new GenericContainer('${IMAGE.ours}')`],
]

function programs(): string[] {
  const text = readFileSync(join(repositoryRoot, DOCUMENT), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
}

/** Gives what it prints. */
async function runDocumented(program: string, env: Record<string, string> = {}): Promise<string> {
  // Below node_modules, where it finds the packages that it imports; types would not be stripped there, and need not be.
  const parent = join(repositoryRoot, 'node_modules', '.cache')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'odradek-documented-'))
  try {
    const file = join(folder, 'documented.mjs')
    writeFileSync(
      file,
      STAND_INS.reduce((text, [documented, here]) => text.replaceAll(documented, here), program),
    )
    const { stdout } = await runChecked(process.execPath, [file], { env, timeoutMs: 60_000 })
    return stdout.trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const documentScenarios: readonly Scenario[] = [
  ...programs().map((program, index) => ({
    name: `${DOCUMENT}: program ${index + 1}`,
    run: async ({ note }: World) => {
      const printed = await runDocumented(program)
      if (printed !== '') note(printed)
    },
  })),
  {
    name: `${DOCUMENT}: program 1, the engine under a name of its own`,
    run: (world) =>
      withHostName(world, 'docker.test', '127.0.0.1', async () => {
        await runDocumented(programs()[0]!, { TESTCONTAINERS_HOST_OVERRIDE: 'docker.test' })
      }),
  },
]
