import type { CommandOption, Completable } from '../command.ts'
import type { CompletionNode } from './command-tree.ts'

/** One line for each word and option, with its description. */
export function fishCompletion(nodes: readonly CompletionNode[]): string {
  return `# fish completion of odradek: odradek completion fish | source
function __odradek_topics
  odradek topics list --internal --json --timeout 2 2>/dev/null | string match -ar '"name":"([^"]*)"' -g
end
function __odradek_groups
  odradek groups list --json --timeout 2 2>/dev/null | string match -ar '"group":"([^"]*)"' -g
end
complete -c odradek -f
${nodes.flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, words, options, argument }: CompletionNode): string[] {
  const names = path === '' ? [] : path.split(' ')
  const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`)
  const choices = words.map(({ word }) => word)
  const condition = [...seen, ...(choices.length > 0 ? [`not __fish_seen_subcommand_from ${choices.join(' ')}`] : [])]
  const when = condition.length === 0 ? '' : ` -n ${quoted(condition.join('; and '))}`
  return [
    ...words.map(({ word, about }) => `complete -c odradek${when} -a ${word} -d ${quoted(about)}`),
    ...Object.entries(options).map(([name, option]) => `complete -c odradek${when}${optionText(name, option)}`),
    ...(argument === null ? [] : [`complete -c odradek${when}${action(argument)}`]),
  ]
}

function optionText(name: string, { type, short, about, completes }: CommandOption): string {
  const flags = ` -l ${name}${short === undefined ? '' : ` -s ${short}`}`
  const value =
    type === 'boolean'
      ? ''
      : `${completes === 'file' ? ' -r' : ' -x'}${completes === undefined ? '' : action(completes)}`
  return `${flags}${value} -d ${quoted(about)}`
}

function action(what: Completable): string {
  if (what === 'topic') return " -a '(__odradek_topics)'"
  if (what === 'group') return " -a '(__odradek_groups)'"
  if (what === 'file') return ' -F'
  return what === 'folder' ? " -a '(__fish_complete_directories)'" : ` -a ${quoted(what.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
