import type { CommandOption, CommandOptions, Completable } from '../command.ts'
import { optionTitle } from '../command-help.ts'
import type { CompletionNode } from './command-tree.ts'

/** With descriptions, through zsh's own `_arguments`. */
export function zshCompletion(nodes: readonly CompletionNode[]): string {
  const [root, ...rest] = nodes
  const functions = rest
    .filter(({ path }) => !path.includes(' '))
    .map((node) => functionOf(node, rest))
    .join('')
  return `#compdef odradek
# zsh completion of odradek: source <(odradek completion zsh)
_odradek_topic_names() {
  local -a names
  names=(\${(f)"$(odradek topics list --internal --json --timeout 2 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4)"})
  compadd -a names
}
_odradek_group_names() {
  local -a names
  names=(\${(f)"$(odradek groups list --json --timeout 2 2>/dev/null | grep -o '"group":"[^"]*"' | cut -d'"' -f4)"})
  compadd -a names
}
${functions}_odradek() {
  local curcontext=$curcontext state line
  _arguments -C${specs(root!.options)} '1: :->command' '*:: :->rest'
  case $state in
    command) local -a words_; words_=(${described(root!)}); _describe command words_ ;;
    rest) local name=_odradek_\${words[1]//-/_}; (( $+functions[$name] )) && $name ;;
  esac
}
compdef _odradek odradek
`
}

function functionOf(node: CompletionNode, all: readonly CompletionNode[]): string {
  const name = `_odradek_${node.path.replaceAll('-', '_')}`
  if (node.words.length === 0) return `${name}() { _arguments${specs(node.options)}${argument(node)} }\n`
  const below = all.filter(({ path }) => path.startsWith(`${node.path} `))
  const cases = below.map((one) => {
    return `      ${one.path.slice(node.path.length + 1)}) _arguments${specs(one.options)}${argument(one)} ;;\n`
  })
  return `${name}() {
  local curcontext=$curcontext state line
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command) local -a words_; words_=(${described(node)}); _describe command words_ ;;
    rest) case $words[1] in
${cases.join('')}    esac ;;
  esac
}
`
}

function described({ words }: CompletionNode): string {
  return words.map(({ word, about }) => quoted(`${word}:${about}`)).join(' ')
}

function specs(options: CommandOptions): string {
  return Object.entries(options)
    .flatMap(([name, option]) =>
      [`--${name}`, ...(option.short === undefined ? [] : [`-${option.short}`])].map((flag) =>
        spec(flag, name, option),
      ),
    )
    .map((one) => ` ${one}`)
    .join('')
}

function spec(flag: string, name: string, option: CommandOption): string {
  const many = option.repeats === true ? '*' : ''
  const about = option.about.replaceAll(/[[\]\\:]/g, (sign) => `\\${sign}`)
  if (option.type === 'boolean') return quoted(`${many}${flag}[${about}]`)
  const title = (option.value ?? optionTitle(name, option)).replaceAll(':', '\\:')
  return quoted(`${many}${flag}[${about}]:${title}:${action(option.completes)}`)
}

function argument({ argument }: CompletionNode): string {
  return argument === null ? '' : ` ${quoted(`*: :${action(argument)}`)}`
}

function action(what: Completable | undefined): string {
  if (what === undefined) return ''
  if (what === 'topic') return '_odradek_topic_names'
  if (what === 'group') return '_odradek_group_names'
  if (what === 'file') return '_files'
  return what === 'folder' ? '_files -/' : `(${what.join(' ')})`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
