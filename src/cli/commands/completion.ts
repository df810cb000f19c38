/** @file `bifocal completion`: the script that makes a shell complete bifocal's commands. */

import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { type CommandEntry, command } from '../command.ts'
import { completionScript, SHELLS } from '../completion.ts'

/** @param others the other commands */
export function completionCommand(others: readonly CommandEntry[]): CommandEntry {
  return command(
    'completion <shell>',
    'Print a completion script for bash, zsh or fish: source <(bifocal completion bash)',
  ).action(async ({ shell: given }, io) => {
    const shell = z.enum(SHELLS).safeParse(given)
    if (!shell.success) {
      throw new UsageError('arguments', {
        message: `no completion for the shell ${given}`,
        hint: `Name one of ${SHELLS.join(', ')}.`,
      })
    }
    const script = completionScript(shell.data, [
      ...others.map(({ outline }) => outline),
      { name: 'completion', summary: 'Print a completion script', flags: [] },
    ])
    io.print(script, { shell: shell.data, script })
    return 0
  })
}
