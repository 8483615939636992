import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readCircleConfig, readGitHubWorkflow, readGitLabPipeline } from '../../../compat-tests/shapes/ci-files.ts'
import { readComposeFile } from '../../../compat-tests/shapes/compose-file.ts'
import { runServices } from '../../../compat-tests/shapes/plain.ts'
import { isKafkaImage, readYaml, type Service } from '../../../compat-tests/shapes/service.ts'
import type { Address, ExpectedTopic, Shape } from '../../../compat-tests/shapes/shapes.ts'
import { STANDPOINTS, type Standpoint } from '../../../compat-tests/shapes/virtual-network.ts'
import { endAll, repository, temporaryFolder } from '../../support/process.ts'

const documents = ['docs/compose.md', 'docs/ci.md']

interface Snippet {
  readonly document: string
  readonly at: number
  /** What the comment before it promises: `clients: host localhost:9092; topics: orders 3; jobs: topics`. */
  readonly promise: string | undefined
  readonly text: string
}

const snippets: Snippet[] = documents.flatMap((document) => {
  const content = readFileSync(path.join(repository, document), 'utf8')
  const found = content.matchAll(/(?:^<!-- (.+) -->\n)?^```yaml\n([\s\S]*?)^```$/gm)
  return [...found].map(([, promise, text], index) => ({ document, at: index + 1, promise, text: text! }))
})

function partsOf(promise: string): Map<string, string[]> {
  const parts = promise.split('; ').map((part) => part.split(': '))
  return new Map(parts.map(([name, list]) => [name!, list!.split(', ')]))
}

function addressOf(text: string): Address {
  const [from, bootstrap] = text.split(' ')
  expect(STANDPOINTS).toContain(from)
  return { from: from as Standpoint, bootstrap: bootstrap! }
}

function topicOf(text: string): [string, ExpectedTopic] {
  const [name, partitions] = text.split(' ')
  return [name!, { partitions: Number(partitions) }]
}

function read(file: string): readonly Service[] {
  const content = readYaml(file) as { services?: object; jobs?: object; version?: unknown }
  if (content.services) return readComposeFile(file, {})
  if (content.jobs === undefined) return readGitLabPipeline(file)
  return content.version === undefined ? readGitHubWorkflow(file) : readCircleConfig(file)
}

/** Steps that start a broker beside the tests: a command that is left in the background, and one that waits for it. */
function steps(text: string): Service {
  const [start, wait] = [...text.matchAll(/- run: (.+)$/gm)].map((match) => match[1]!)
  const command = /^npx (odradek .+) &$/.exec(start!)![1]!
  return {
    name: 'runner',
    image: 'odradek',
    hostNames: ['runner'],
    environment: {},
    entrypoint: null,
    command: ['sh', '-c', `exec ${command}`],
    healthcheck: { command: ['sh', '-c', wait!], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 },
    mounts: [],
    published: new Map(),
  }
}

async function runSnippet({ promise, text }: Snippet): Promise<void> {
  const parts = partsOf(promise!)
  const file = path.join(temporaryFolder(), 'snippet.yml')
  writeFileSync(file, text)
  const isSteps = parts.has('steps')
  const services = isSteps ? [steps(text)] : read(file)
  const broker = services.find(({ image }) => isKafkaImage(image))!
  const own: Address[] = (parts.get('steps') ?? []).map((bootstrap) => ({ from: 'own', bootstrap }))
  const shape: Shape = {
    name: broker.name,
    what: promise!,
    file,
    broker: broker.name,
    jobs: parts.get('jobs') ?? [],
    addresses: [...own, ...(parts.get('clients') ?? []).map(addressOf)],
    topics: Object.fromEntries((parts.get('topics') ?? []).map(topicOf)),
  }
  expect(shape.addresses).not.toEqual([])
  await runServices(services, shape)
}

describe('YAML in the documents', () => {
  afterEach(endAll)

  it('there is some, and each says what it promises', () => {
    expect(snippets.length).toBeGreaterThan(8)
    expect(snippets.filter(({ promise }) => promise === undefined)).toEqual([])
  })

  it.each(snippets)('$document: snippet $at keeps its promise: $promise', runSnippet)
})
