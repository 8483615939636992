import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runChecked } from '../../process.ts'
import { repositoryRoot } from '../../toolchains.ts'
import { IMAGE } from '../image.ts'
import type { Scenario } from '../scenario.ts'

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

export const documentScenarios: readonly Scenario[] = programs().map((program, index) => ({
  name: `${DOCUMENT}: program ${index + 1}`,
  run: async ({ note }) => {
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
      const { stdout } = await runChecked(process.execPath, [file], { timeoutMs: 60_000 })
      if (stdout !== '') note(stdout.trim())
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}))
