import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { commands } from './commands/all.ts'
import { completionScript } from './completion.ts'

const outlines = commands.map(({ outline }) => outline)

/** Words that bash offers after `line`; its last word is the one under the cursor. */
function offered(line: string): string[] {
  const words = line.split(' ')
  const script = `${completionScript('bash', outlines)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_bifocal
printf '%s\\n' "\${COMPREPLY[@]}"`
  const out = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
  return out.split('\n').filter((word) => word !== '')
}

describe('bash offers', () => {
  test.each([
    ['commands', 'bifocal em', ['embed']],
    ['all commands', 'bifocal ', outlines.map(({ name }) => name)],
    ['flags of the command', 'bifocal embed --dt', ['--dtype']],
    ['values of a flag', 'bifocal embed cat --device w', ['webgpu']],
    ['nothing where a path may stand', 'bifocal embed ca', []],
    ['nothing for another command', 'bifocal gates --dt', []],
  ])('%s', (_, line, words) => {
    expect(offered(line)).toEqual(words)
  })
})

test('zsh reads the script of bash', () => {
  expect(completionScript('zsh', outlines)).toContain(completionScript('bash', outlines))
})

test('fish gets each flag with its values, quotes escaped', () => {
  const flags = [{ name: '--kind', summary: "the model's kind", choices: ['a', 'b'], valued: true }]
  const script = completionScript('fish', [{ name: 'show', summary: 'Show', flags }])
  expect(script.split('\n')).toEqual([
    "complete -c bifocal -n __fish_use_subcommand -fa show -d 'Show'",
    "complete -c bifocal -n '__fish_seen_subcommand_from show' -l kind -xa 'a b' -d 'the model\\'s kind'",
  ])
})
