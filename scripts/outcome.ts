/**
 * @file How a script ends: as a command of the command line does, with its exit code, typed errors
 * in words.
 */

import { failureOf, failureText } from '../src/cli/failure.ts'

/** @param work gives the exit code, or throws */
export async function endWith(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work()
  } catch (error) {
    const failure = failureOf(error, { interrupted: false })
    const text = failureText(failure, { json: false, debug: process.env.BIFOCAL_DEBUG === '1' })
    if (text !== undefined) console.error(text)
    process.exitCode = failure.exitCode
  }
}
