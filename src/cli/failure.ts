/** @file The report of a failed command, and its exit code. */

import { CommanderError } from 'commander'
import { openFilesFailure } from '../foundation/files/open-files.ts'
import { printable } from '../foundation/files/printable.ts'
import { BifocalError } from '../foundation/numeric/errors.ts'

/** A failure as data: stderr has it as one line of JSON where `--json` was given. */
interface FailureReport {
  code: string
  message: string
  hint: string
  exitCode: number
}

export interface Failure {
  exitCode: number
  /** Undefined where nothing is left to say. */
  report: FailureReport | undefined
  stack: string | undefined
}

/**
 * @param interrupted whether Ctrl-C was pressed: an error without a code that comes after it is its
 *   echo
 */
export function failureOf(error: unknown, { interrupted }: { interrupted: boolean }): Failure {
  const stack = error instanceof Error ? error.stack : undefined
  if (error instanceof CommanderError) return { ...commanderFailure(error), stack }
  const known = openFilesFailure(error) ?? error
  if (known instanceof BifocalError) {
    const { code, message, hint, exitCode } = known
    return { exitCode, report: { code, message, hint, exitCode }, stack }
  }
  if (interrupted) return { exitCode: 130, report: undefined, stack }
  return {
    exitCode: 1,
    report: {
      code: 'unforeseen',
      message: error instanceof Error ? error.message : String(error),
      hint: 'This was not foreseen: please report it with the command and, with BIFOCAL_DEBUG=1, the stack.',
      exitCode: 1,
    },
    stack,
  }
}

/** @returns lines for stderr, without the last line break; undefined where nothing is to be said */
export function failureText(
  { report, stack }: Failure,
  { json, debug }: { json: boolean; debug: boolean },
): string | undefined {
  const shown = debug ? stack : undefined
  if (report === undefined) return shown
  if (json) return JSON.stringify({ error: { ...report, stack: shown } })
  const { code, message, hint } = report
  const lines = [`error [${code}]: ${message}`, `  hint: ${hint}`].map((text) =>
    printable(text, { lines: true }),
  )
  return [...lines, ...(shown === undefined ? [] : [shown])].join('\n')
}

/**
 * Help and version end with 0 and have been printed. A line that the parser refuses is a usage
 * error, with the parser's suggestion as its hint.
 */
function commanderFailure({ code, message, exitCode }: CommanderError): Omit<Failure, 'stack'> {
  if (exitCode === 0) return { exitCode: 0, report: undefined }
  if (code === 'commander.help') return { exitCode: 2, report: undefined }
  const [first = '', ...more] = message.replace(/^error: /, '').split('\n')
  const hint = more.join(' ').replace(/^\((.*)\)$/, '$1') || 'Add --help to see what is possible.'
  return { exitCode: 2, report: { code: 'usage/arguments', message: first, hint, exitCode: 2 } }
}
