/** @file The number of threads of an engine whose caller names none. */

import { availableParallelism } from 'node:os'
import { RuntimeError } from './errors.ts'

/**
 * `BIFOCAL_THREADS`, else as many as the machine runs at once. Node counts all processors of the
 * machine, also in a container that may use a part of them.
 * @throws RuntimeError `runtime/threads` for a `BIFOCAL_THREADS` that is no whole number above 0
 */
export function defaultThreads(): number {
  const { BIFOCAL_THREADS: given = '' } = process.env
  if (given === '') return availableParallelism()
  if (/^[1-9]\d{0,3}$/.test(given)) return Number(given)
  throw new RuntimeError('threads', {
    message: `BIFOCAL_THREADS is ${JSON.stringify(given)}, expected a whole number from 1 to 9999`,
    hint: 'Set it to the number of threads that an engine may use, or unset it.',
  })
}
