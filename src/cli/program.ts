/** @file The command line: parses, runs one command, ends with its exit code. */

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import { streamFailure } from '../foundation/files/errors.ts'
import type { CommandResult } from './command.ts'
import { commands } from './commands/all.ts'
import { failureOf, failureText } from './failure.ts'
import { interruption } from './interrupt.ts'
import { terminalIo } from './io.ts'

/**
 * A reader that went away (`| head`) ends the command quietly: nobody is left to tell. Any other
 * loss of data is told.
 */
function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') process.exit(0)
    const error = streamFailure(stream === process.stdout ? 'stdout' : 'stderr', cause)
    // Where stderr itself fails nobody can be told.
    if (stream === process.stdout) tell(error, false)
    process.exit(error.exitCode)
  })
}

/** Writes to stderr why a command failed. @returns the exit code */
function tell(error: unknown, interrupted: boolean): number {
  const failure = failureOf(error, { interrupted })
  // Also for a line that the parser refuses: it has not read the flag.
  const json = process.argv.includes('--json')
  const text = failureText(failure, { json, debug: process.env.BIFOCAL_DEBUG === '1' })
  if (text !== undefined) process.stderr.write(`${text}\n`)
  return failure.exitCode
}

/** Written bytes may still be on their way to a pipe when a process is asked to exit. */
async function drained(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

async function main(argv: readonly string[]): Promise<number> {
  const signal = interruption(() =>
    process.stderr.write('\ninterrupted: saving what is done (Ctrl-C again stops at once)\n'),
  )
  let result: CommandResult = 0
  const program = new Command('bifocal')
    .description(
      'Turn vision-language models into multimodal embedding models; measure them; explain the differences.',
    )
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  for (const entry of commands) {
    entry.register(
      program,
      (json) => terminalIo(json, signal),
      (code) => {
        result = code
      },
    )
  }
  try {
    await program.parseAsync(argv)
    return result
  } catch (error) {
    return tell(error, signal.aborted)
  }
}

endWithReader(process.stdout)
endWithReader(process.stderr)
const code = await main(process.argv)
await drained(process.stdout)
await drained(process.stderr)
// Not only `process.exitCode`: a worker that still computes would keep the process alive after an
// interruption.
process.exit(code)
