/** @file Waiting that Ctrl-C ends. */

import { setTimeout } from 'node:timers/promises'
import { InterruptedError } from '../../foundation/numeric/errors.ts'

/** @param ms milliseconds @throws InterruptedError when the signal fires */
export async function pause(ms: number, what: string, signal: AbortSignal | undefined): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {
    throw new InterruptedError(what, signal)
  })
}
