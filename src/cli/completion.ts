/** @file Scripts that complete command names, flags and their values in a shell. */

import type { CommandOutline } from './command.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** The script for a shell. A value without choices is completed as a path. */
export function completionScript(shell: Shell, commands: readonly CommandOutline[]): string {
  if (shell === 'fish') return fishScript(commands)
  const bash = bashScript(commands)
  return shell === 'bash' ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`
}

function bashScript(commands: readonly CommandOutline[]): string {
  const offer = (words: readonly string[]) =>
    `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current")); return;;`
  const values = commands.flatMap(({ name, flags }) =>
    flags.flatMap((flag) =>
      flag.choices.length === 0 ? [] : [`    '${name} ${flag.name}') ${offer(flag.choices)}`],
    ),
  )
  const flags = commands.map(
    ({ name, flags }) => `    '${name} -'*) ${offer(flags.map((flag) => flag.name))}`,
  )
  return `_bifocal() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  case "$COMP_CWORD" in
    1) ${offer(commands.map(({ name }) => name))}
  esac
  case "$command $before" in
${values.join('\n')}
  esac
  case "$command $current" in
${flags.join('\n')}
  esac
}
complete -o default -F _bifocal bifocal`
}

function fishScript(commands: readonly CommandOutline[]): string {
  const names = commands.map(
    ({ name, summary }) => `-n __fish_use_subcommand -fa ${name} -d ${quoted(summary)}`,
  )
  const flags = commands.flatMap(({ name, flags }) =>
    flags.map((flag) => {
      const values =
        flag.choices.length > 0 ? ` -xa ${quoted(flag.choices.join(' '))}` : flag.valued ? ' -r' : ''
      const long = flag.name.replace(/^--/, '')
      return `-n '__fish_seen_subcommand_from ${name}' -l ${long}${values} -d ${quoted(flag.summary)}`
    }),
  )
  return [...names, ...flags].map((line) => `complete -c bifocal ${line}`).join('\n')
}

/** For fish, where only the quote and the backslash need an escape. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
