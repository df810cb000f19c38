/**
 * @file One download of a file at a time, also between processes: the second waits and finds the
 * file there.
 */

import { type Lock, takeLock } from '../../foundation/files/lock.ts'
import { pause } from './pause.ts'

/** Between two looks at a lock that another has, in ms. */
const LOOK = 200

/**
 * Runs `work` while this process alone holds the lock file. Downloads write equal bytes to equal
 * places, so a lock that is wrongly taken for left behind costs traffic, not data.
 * @throws FileError `file/write`; InterruptedError while it waits; what `work` throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const lock = await waitFor(path, signal)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

async function waitFor(path: string, signal: AbortSignal | undefined): Promise<Lock> {
  for (;;) {
    const taken = await takeLock(path)
    if ('release' in taken) return taken
    await pause(LOOK, 'waiting for another download of the same file', signal)
  }
}
