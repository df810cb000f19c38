/** @file What a failed command says, and its exit code. */

import { CommanderError } from 'commander'
import { BifocalError } from '../foundation/numeric/errors.ts'

export interface Failure {
  exitCode: number
  /** For stderr; undefined where all was said already. */
  words: string | undefined
}

/**
 * @param interrupted whether Ctrl-C was pressed: what is thrown after that and has no code of its
 *   own is its echo
 * @param debug whether to show the stack
 */
export function failureOf(
  error: unknown,
  { interrupted, debug }: { interrupted: boolean; debug: boolean },
): Failure {
  const stack = debug && error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : ''
  if (error instanceof CommanderError) return commanderFailure(error, stack)
  if (error instanceof BifocalError) {
    return {
      exitCode: error.exitCode,
      words: `error [${error.code}]: ${error.message}\n  hint: ${error.hint}${stack}`,
    }
  }
  if (interrupted) return { exitCode: 130, words: stack === '' ? undefined : stack.trim() }
  const message = error instanceof Error ? error.message : String(error)
  return {
    exitCode: 1,
    words: `error: ${message}\n  hint: This was not foreseen: please report it with the command and, with BIFOCAL_DEBUG=1, the stack.${stack}`,
  }
}

/**
 * Help and version end with 0 and have been printed; what the parser refuses is a usage error with
 * its own suggestion.
 */
function commanderFailure(error: CommanderError, stack: string): Failure {
  if (error.exitCode === 0) return { exitCode: 0, words: undefined }
  if (error.code === 'commander.help') return { exitCode: 2, words: undefined }
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n')
  const hint = more.join(' ').replace(/^\((.*)\)$/, '$1') || 'Add --help to see what is possible.'
  return { exitCode: 2, words: `error [usage/arguments]: ${first}\n  hint: ${hint}${stack}` }
}
