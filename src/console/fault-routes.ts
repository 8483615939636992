import type { FaultRule } from '../io/fault-rules.ts'
import { type ConsoleContext, type Route, RouteError } from './route.ts'

/** What RequestFaults and DiskFaults have in common. */
interface FaultTable {
  addUnchecked(fault: unknown): FaultRule
  list(): readonly FaultRule[]
  get(id: string): FaultRule | null
  remove(id: string): FaultRule | null
  clear(): void
}

export const faultRoutes: readonly Route[] = [
  ...routesOf('/faults', 'faults of requests', ({ faults }) => faults),
  ...routesOf('/disk-faults', 'faults of the disk', ({ diskFaults }) => {
    if (diskFaults === null) throw new RouteError(404, 'the disk of this broker cannot be made to fail')
    return diskFaults
  }),
]

function routesOf(path: string, what: string, tableOf: (context: ConsoleContext) => FaultTable): readonly Route[] {
  const one = `${path}/{id}`
  return [
    {
      method: 'GET',
      path,
      summary: `the ${what}, with how often each fired`,
      handle: (context) => ({ status: 200, body: { faults: tableOf(context).list() } }),
    },
    {
      method: 'POST',
      path,
      summary: `adds one of the ${what}; the body is a JSON object`,
      handle: (context, _params, body) => {
        const rule = tableOf(context).addUnchecked(body)
        return { status: 201, body: rule, location: `${path}/${rule.id}` }
      },
    },
    {
      method: 'DELETE',
      path,
      summary: `removes all ${what}; the answer is what they were`,
      handle: (context) => {
        const table = tableOf(context)
        const faults = table.list()
        table.clear()
        return { status: 200, body: { faults } }
      },
    },
    {
      method: 'GET',
      path: one,
      summary: `one of the ${what}`,
      handle: (context, { id }) => ({ status: 200, body: tableOf(context).get(id!) ?? missing(tableOf(context), id!) }),
    },
    {
      method: 'DELETE',
      path: one,
      summary: `removes one of the ${what}; the answer is what it was`,
      handle: (context, { id }) => {
        return { status: 200, body: tableOf(context).remove(id!) ?? missing(tableOf(context), id!) }
      },
    },
  ]
}

function missing(table: FaultTable, id: string): never {
  const ids = table.list().map((rule) => rule.id)
  throw new RouteError(404, `there is no fault ${id}; there ${ids.length === 0 ? 'is none' : `are ${ids.join(', ')}`}`)
}
