/** @file The command line: parses, runs one command, gives its exit code. */

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import type { CommandResult } from './command.ts'
import { commands } from './commands/all.ts'
import { failureOf, failureText } from './failure.ts'
import { type Surroundings, terminalIo } from './io.ts'

/** Writes to stderr why a command failed. @returns the exit code */
export function tell(
  error: unknown,
  { stderr, env }: Pick<Surroundings, 'stderr' | 'env'>,
  { argv, interrupted }: { argv: readonly string[]; interrupted: boolean },
): number {
  const failure = failureOf(error, { interrupted })
  // Also for a line that the parser refuses: it has not read the flag.
  const json = argv.includes('--json')
  const text = failureText(failure, { json, debug: env.BIFOCAL_DEBUG === '1' })
  if (text !== undefined) stderr.write(`${text}\n`)
  return failure.exitCode
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

/**
 * Runs one command.
 * @param argv command and flags, without the names of Node and of the program
 * @param signal asks the command to save its state and stop
 * @returns the exit code; a failure is told on `around.stderr` and not thrown
 */
export async function runProgram(
  argv: readonly string[],
  around: Surroundings,
  signal: AbortSignal,
): Promise<number> {
  let result: CommandResult = 0
  const program = new Command('bifocal')
    .description(
      'Turn vision-language models into multimodal embedding models; measure them; explain the differences.',
    )
    .version(version())
    .exitOverride()
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => around.stdout.write(text),
      writeErr: (text) => around.stderr.write(text),
    })
  for (const entry of commands) {
    entry.register(
      program,
      (json) => terminalIo(json, signal, around),
      (code) => {
        result = code
      },
    )
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return result
  } catch (error) {
    return tell(error, around, { argv, interrupted: signal.aborted })
  }
}
