/**
 * @file How a script ends: as a command of the command line does, with its exit code, typed errors
 * in words.
 */

import { failureOf } from '../src/cli/failure.ts'

/** @param work gives the exit code, or throws */
export async function endWith(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work()
  } catch (error) {
    const { exitCode, words } = failureOf(error, {
      interrupted: false,
      debug: process.env.BIFOCAL_DEBUG === '1',
    })
    if (words !== undefined) console.error(words)
    process.exitCode = exitCode
  }
}
