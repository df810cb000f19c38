/**
 * @file The command line without a process of its own: a fraction of the time. For processes, pipes
 * and signals see built-cli.ts.
 */

import { runProgram } from '../src/cli/program.ts'
import type { CliResult } from './built-cli.ts'

export interface HereOptions {
  /** Over the variables of this process, for as long as the command runs. */
  env?: Readonly<NodeJS.ProcessEnv>
  /** Working directory; default: that of this process. */
  cwd?: string
  signal?: AbortSignal
}

/** Runs a command to its end. One at a time: variables and working directory are of the process. */
export async function runHere(
  args: readonly string[],
  { env = {}, cwd, signal = new AbortController().signal }: HereOptions = {},
): Promise<CliResult> {
  const written = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text
    },
  })
  const [variables, folder] = [{ ...process.env }, process.cwd()]
  try {
    for (const [name, value] of Object.entries({ NO_COLOR: '1', ...env })) setVariable(name, value)
    if (cwd !== undefined) process.chdir(cwd)
    const around = { stdout: stream('stdout'), stderr: stream('stderr'), env: process.env }
    return { code: await runProgram(args, around, signal), ...written }
  } finally {
    process.chdir(folder)
    for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name]
    for (const [name, value] of Object.entries(variables)) setVariable(name, value)
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
