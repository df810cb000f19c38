/** @file Waits, until Ctrl-C at most. */

import { setTimeout } from 'node:timers/promises'
import { InterruptedError } from '../../foundation/numeric/errors.ts'

/**
 * @param ms milliseconds
 * @param what the name of the work that waits, for the error
 * @throws InterruptedError when the signal fires
 */
export async function pause(ms: number, what: string, signal: AbortSignal | undefined): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {
    throw new InterruptedError(what, signal)
  })
}
