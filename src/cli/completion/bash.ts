import type { Completable } from '../command.ts'
import { type CompletionNode, optionWords } from './command-tree.ts'

/** A function of the shell that knows every path, and asks the broker for topics and groups. */
export function bashCompletion(nodes: readonly CompletionNode[]): string {
  const cases = nodes.map((node) => `    '${node.path}')\n${nodeCase(node)}      ;;\n`).join('')
  const values = [...valueCases(nodes)].map(([key, action]) => `    '${key}') ${action}; return ;;\n`).join('')
  const groups = nodes.filter(({ words, path }) => path !== '' && words.length > 0).map(({ path }) => path)
  return `# bash completion of odradek: eval "$(odradek completion bash)"
_odradek_names() {
  odradek "$1" list --internal --json --timeout 2 "\${_odradek_server[@]}" 2>/dev/null
}
_odradek_topics() { _odradek_names topics | grep -o '"name":"[^"]*"' | cut -d'"' -f4; }
_odradek_groups() {
  odradek groups list --json --timeout 2 "\${_odradek_server[@]}" 2>/dev/null | grep -o '"group":"[^"]*"' | cut -d'"' -f4
}
_odradek() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} line=\${COMP_LINE:0:COMP_POINT}
  local path='' word at
  _odradek_server=()
  # A colon in HOST:PORT breaks words apart in bash: the line itself is read for it.
  [[ $line =~ (--bootstrap-server|-b)[=\\ ]([^\\ ]+) ]] && _odradek_server=(--bootstrap-server "\${BASH_REMATCH[2]}")
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    case $word in -*) continue ;; esac
    if [[ -z $path ]]; then path=$word
    else
      case $path in ${groups.length === 0 ? "''" : groups.join('|')}) path="$path $word" ;; esac
      break
    fi
  done
  COMPREPLY=()
  case "$path $previous" in
${values}  esac
  case $path in
${cases}  esac
}
complete -F _odradek odradek
`
}

function nodeCase({ words, options, argument }: CompletionNode): string {
  const all = words.map(({ word }) => word)
  const own = argument === null ? '' : `      [[ $current == -* ]] || { ${completeWith(argument)}; return; }\n`
  const flags = `      COMPREPLY=($(compgen -W '${[...all, ...optionWords(options)].join(' ')}' -- "$current"))\n`
  if (all.length === 0) return `${own}${flags}`
  return `      [[ $current == -* ]] || { COMPREPLY=($(compgen -W '${all.join(' ')}' -- "$current")); return; }\n${flags}`
}

/** After an option that takes a value. */
function* valueCases(nodes: readonly CompletionNode[]): Generator<[key: string, action: string]> {
  for (const { path, options } of nodes) {
    for (const [name, { type, short, completes }] of Object.entries(options)) {
      if (type === 'boolean') continue
      const action = completes === undefined ? 'COMPREPLY=()' : completeWith(completes)
      yield [`${path} --${name}`, action]
      if (short !== undefined) yield [`${path} -${short}`, action]
    }
  }
}

function completeWith(what: Completable): string {
  if (what === 'topic') return 'COMPREPLY=($(compgen -W "$(_odradek_topics)" -- "$current"))'
  if (what === 'group') return 'COMPREPLY=($(compgen -W "$(_odradek_groups)" -- "$current"))'
  if (what === 'file') return 'COMPREPLY=($(compgen -f -- "$current"))'
  if (what === 'folder') return 'COMPREPLY=($(compgen -d -- "$current"))'
  return `COMPREPLY=($(compgen -W '${what.join(' ')}' -- "$current"))`
}
