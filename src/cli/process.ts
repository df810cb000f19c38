/** @file The process of the command line: its streams, Ctrl-C, and the exit code at its end. */

import { streamFailure } from '../foundation/files/errors.ts'
import { interruption } from './interrupt.ts'
import { runProgram, tell } from './program.ts'

const argv = process.argv.slice(2)

/**
 * A reader that went away (`| head`) ends the command quietly: nobody is left to tell. Any other
 * loss of data is told.
 */
function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') process.exit(0)
    const error = streamFailure(stream === process.stdout ? 'stdout' : 'stderr', cause)
    // Where stderr itself fails nobody can be told.
    if (stream === process.stdout) tell(error, process, { argv, interrupted: false })
    process.exit(error.exitCode)
  })
}

/** Written bytes may still be on their way to a pipe when a process is asked to exit. */
async function drained(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}

/** Runs the command of this process, then ends it. */
export async function runProcess(): Promise<never> {
  endWithReader(process.stdout)
  endWithReader(process.stderr)
  const signal = interruption(() =>
    process.stderr.write('\ninterrupted: saving what is done (Ctrl-C again stops at once)\n'),
  )
  const code = await runProgram(argv, process, signal)
  await drained(process.stdout)
  await drained(process.stderr)
  // Not only `process.exitCode`: a worker that still computes would keep the process alive after an
  // interruption.
  process.exit(code)
}
