import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleDeclarations } from '../../scripts/declarations.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'odradek-test-'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** What tsc might emit for each file. */
function bundle(files: Readonly<Record<string, readonly string[]>>): string {
  for (const [name, lines] of Object.entries(files)) writeFileSync(path.join(root, `${name}.d.ts`), lines.join('\n'))
  return bundleDeclarations(root, 'entry')
}

describe('the declarations of an entry point', () => {
  it('are what it exports and what that needs, with their comments', () => {
    const text = bundle({
      entry: [
        "import type { Logger } from 'pino';",
        "import type { Unused } from 'elsewhere';",
        "import { type Inner, hidden } from './inner.ts';",
        '/** Makes one. */',
        'export declare function make(inner: Inner, logger: Logger): void;',
        'export type { Named } from "./inner.ts";',
      ],
      inner: [
        '/** Inside. */',
        'export interface Inner {',
        '    /** Mentions Unneeded only in words. */',
        "    readonly kind: 'Unneeded';",
        '    readonly deep: Deep;',
        '}',
        'interface Deep {',
        '    readonly a: string;',
        '}',
        'export declare class Named {',
        '    #private;',
        '}',
        'export interface Unneeded {',
        '}',
        'export declare const hidden = 1;',
        'export {};',
      ],
    })
    expect(text).toBe(
      [
        "import type { Logger } from 'pino';",
        '/** Makes one. */',
        'declare function make(inner: Inner, logger: Logger): void;',
        '/** Inside. */',
        'interface Inner {',
        '    /** Mentions Unneeded only in words. */',
        "    readonly kind: 'Unneeded';",
        '    readonly deep: Deep;',
        '}',
        'interface Deep {',
        '    readonly a: string;',
        '}',
        'declare class Named {',
        '    #private;',
        '}',
        'export { type Named, make };',
        '',
      ].join('\n'),
    )
  })

  it('keep other names, defaults, and what a file adds to a package', () => {
    const text = bundle({
      entry: [
        "declare module 'runner' {",
        '    interface Context {',
        '        readonly address: Address;',
        '    }',
        '}',
        'declare const setup: () => void;',
        'export default setup;',
        "export { teardown as end } from './other.ts';",
        "import type { Address } from './other.ts';",
      ],
      other: ['export declare function teardown(): void;', 'export type Address = string;'],
    })
    expect(text).toContain('export { setup as default, teardown as end };')
    expect(text).toContain("declare module 'runner' {")
    expect(text).toContain('\ntype Address = string;')
  })

  it('a constant and a type of the same name are one', () => {
    const text = bundle({
      entry: [
        'export declare const Code: {',
        '    readonly A: 1;',
        '};',
        'export type Code = (typeof Code)[keyof typeof Code];',
      ],
    })
    expect(text.match(/\bCode\b.*[={]$/gm)).toHaveLength(1)
    expect(text).toContain('type Code = (typeof Code)[keyof typeof Code];\nexport { Code };')
  })

  it.each([
    [
      'two declarations of one name',
      { entry: ["export type { A } from './a.ts';", "export type { B } from './b.ts';"] },
      'Same is declared in a and in b',
    ],
    ['a name that is declared nowhere', { entry: ["export type { C } from './a.ts';"] }, 'entry exports C'],
    ['a form it does not know', { entry: ["export * from './a.ts';"] }, 'this statement is not known: export *'],
  ])('%s are refused', (_, files, message) => {
    const more = {
      a: ['type Same = 1;', 'export type A = Same;'],
      b: ['type Same = 2;', 'export type B = Same;'],
    }
    expect(() => bundle({ ...more, ...files })).toThrow(message)
  })
})
