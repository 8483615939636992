import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { BROKER_EVENT_NAMES } from '../../src/broker/broker-event.ts'

const root = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(root, 'docs/observing.md'), 'utf8')
const types = readFileSync(path.join(root, 'src/broker/broker-event.ts'), 'utf8')

/** Fields that an interface of the file declares itself. */
function fieldsOf(event: string): string[] {
  const name = `${event[0]!.toUpperCase()}${event.slice(1)}Event`
  const body = new RegExp(`export interface ${name} extends \\w+ \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(types)
  if (body === null) throw new Error(`there is no ${name}`)
  return [...body[1]!.matchAll(/^ {2}readonly (\w+)/gm)].map((match) => match[1]!)
}

describe('docs/observing.md', () => {
  const rows = new Map([...page.matchAll(/^\| `(\w+)` \|[^|]*\| (.*) \|$/gm)].map((match) => [match[1]!, match[2]!]))

  it('lists every event, in the order of the code', () => {
    expect([...rows.keys()]).toEqual(BROKER_EVENT_NAMES)
  })

  it.each(BROKER_EVENT_NAMES)('names every field of %s', (event) => {
    const named = [...rows.get(event)!.matchAll(/`(\w+)`/g)].map((match) => match[1]!)
    expect(named).toEqual(expect.arrayContaining(fieldsOf(event)))
  })
})
