import { readFileSync } from 'node:fs'
import path from 'node:path'

/** One top-level declaration of a file, with the comment before it. */
interface Declaration {
  readonly file: string
  readonly name: string
  readonly text: string
  /** Nothing of it is there at run time. */
  readonly isType: boolean
}

/** A name, and the file that knows it: without its ending, relative to the root, with `/`. */
interface Link {
  readonly file: string
  readonly name: string
}

interface Module {
  readonly declarations: Declaration[]
  /** Local name → where it comes from, in another file of ours. */
  readonly imports: Map<string, Link>
  /** Local name → the import statement that it needs, from a package. */
  readonly packages: Map<string, string>
  /** Exported name → what it stands for; `isType` where it can be named and not be used. */
  readonly exports: Map<string, Link & { readonly isType: boolean }>
  /** `declare module 'x' { … }`: what the file adds to others. */
  readonly augmentations: string[]
}

const DECLARED =
  /^(?:export )?(default )?(?:declare )?(?:abstract )?(class|interface|type|function|const|let) ([A-Za-z_$][\w$]*)/
const NAMES = /^(import|export)\s+(type\s+)?\{([\s\S]*?)\}\s*(?:from\s+['"]([^'"]+)['"])?;$/
const IDENTIFIER = /(?<![\w$.])[A-Za-z_$][\w$]*/g
const COMMENTS_AND_TEXTS = /\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'|"[^"\n]*"/gm
const LEADING_COMMENTS = /^(?:\/\*[\s\S]*?\*\/\s*|\/\/.*\n)+/

/**
 * The declarations that an entry point exports and those that these need, as one file that imports nothing but
 * packages. Reads what tsc emits, which is regular: every statement begins in the first column. Throws for what it does
 * not know, and for two declarations of the same name, so that nothing is left out or confused.
 */
export function bundleDeclarations(root: string, entry: string): string {
  const modules = new Map<string, Module>()
  const moduleOf = (file: string): Module => {
    const module = modules.get(file) ?? readModule(root, file)
    modules.set(file, module)
    return module
  }
  /** Where a name is declared. */
  const origin = (link: Link): Link => {
    const { imports, exports, declarations } = moduleOf(link.file)
    if (declarations.some(({ name }) => name === link.name)) return link
    const further = imports.get(link.name) ?? exports.get(link.name)
    return further === undefined ? link : origin(further)
  }
  const taken = new Map<string, Declaration[]>()
  const packages = new Set<string>()
  const takeAllIn = (file: string, text: string) => {
    for (const [name] of text.replaceAll(COMMENTS_AND_TEXTS, ' ').matchAll(IDENTIFIER)) take({ file, name })
  }
  const take = (link: Link): void => {
    const { file, name } = origin(link)
    const { declarations, packages: external } = moduleOf(file)
    const statement = external.get(name)
    if (statement !== undefined) packages.add(statement)
    const found = declarations.filter((declaration) => declaration.name === name)
    const known = taken.get(name)?.[0]
    if (found.length === 0 || known?.file === file) return
    if (known !== undefined) throw new Error(`${name} is declared in ${known.file} and in ${file}`)
    taken.set(name, found)
    for (const { text } of found) takeAllIn(file, text)
  }

  const { exports, augmentations } = moduleOf(entry)
  for (const link of exports.values()) take(link)
  for (const text of augmentations) takeAllIn(entry, text)
  const exported = [...exports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, link]) => {
      const inside = origin(link).name
      const found = taken.get(inside)
      if (found === undefined) throw new Error(`${entry} exports ${name}, which is declared nowhere`)
      const word = link.isType || found.every(({ isType }) => isType) ? 'type ' : ''
      return inside === name ? `${word}${name}` : `${word}${inside} as ${name}`
    })
  const declared = [...taken.values()].flat().map(({ text }) => text)
  return `${[...[...packages].sort(), ...augmentations, ...declared].join('\n')}\nexport { ${exported.join(', ')} };\n`
}

function readModule(root: string, file: string): Module {
  const module: Module = {
    declarations: [],
    imports: new Map(),
    packages: new Map(),
    exports: new Map(),
    augmentations: [],
  }
  for (const text of statements(readFileSync(path.join(root, `${file}.d.ts`), 'utf8'))) {
    const comment = LEADING_COMMENTS.exec(text)?.[0] ?? ''
    const bare = text.slice(comment.length)
    const declared = DECLARED.exec(bare)
    const named = NAMES.exec(bare)
    const ofDefault = /^export default (\w+);$/.exec(bare)?.[1]
    if (declared !== null) addDeclaration(module, file, comment, bare, declared)
    else if (named !== null) addNames(module, file, named)
    else if (ofDefault !== undefined) module.exports.set('default', { file, name: ofDefault, isType: false })
    else if (bare.startsWith('declare module ')) module.augmentations.push(text)
    else if (bare !== '') throw new Error(`${file}: this statement is not known: ${bare.slice(0, 200)}`)
  }
  return module
}

function addDeclaration(module: Module, file: string, comment: string, bare: string, match: RegExpExecArray): void {
  const [, isDefault, kind, name] = match
  const isType = kind === 'interface' || kind === 'type'
  const plain = bare.replace(/^export (?:default )?(?:declare )?|^declare /, '')
  module.declarations.push({ file, name: name!, text: `${comment}${isType ? '' : 'declare '}${plain}`, isType })
  if (bare.startsWith('export '))
    module.exports.set(isDefault ? 'default' : name!, { file, name: name!, isType: false })
}

function addNames({ imports, packages, exports }: Module, file: string, match: RegExpExecArray): void {
  const [, kind, allTypes, list, from] = match
  const isOurs = from === undefined || from.startsWith('.')
  const origin = from === undefined ? file : path.posix.join(path.posix.dirname(file), from).replace(/\.[jt]s$/, '')
  for (const one of list!.split(',').map((text) => text.trim())) {
    if (one === '') continue
    const [name, local = name] = one.replace(/^type /, '').split(' as ') as [string, string?]
    if (kind === 'export') {
      if (!isOurs) throw new Error(`${file} exports ${name} of the package ${from}`)
      exports.set(local!, { file: origin, name, isType: Boolean(allTypes) || one.startsWith('type ') })
    } else if (isOurs) imports.set(local!, { file: origin, name })
    else packages.set(local!, `import type { ${name === local ? name : `${name} as ${local}`} } from '${from}';`)
  }
}

/** Each with the comment before it. */
function statements(text: string): string[] {
  const found: string[] = []
  let comment = ''
  let inComment = false
  for (const line of text.split('\n')) {
    if (inComment || line.startsWith('/*')) {
      comment += `${line}\n`
      inComment = !line.includes('*/')
    } else if (/^[A-Za-z]/.test(line)) {
      found.push(`${comment}${line}`)
      comment = ''
    } else if (line !== '') {
      // The rest of a statement; a comment may stand between the members of a union.
      found[found.length - 1] += `\n${comment}${line}`
      comment = ''
    }
  }
  return found
}
