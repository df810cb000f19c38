/**
 * @file One download of a file at a time, also between processes: the second waits and finds the
 * file there.
 */

import { stat } from 'node:fs/promises'
import { FileError } from '../../foundation/files/errors.ts'
import { type Holder, type Lock, takeLock } from '../../foundation/files/lock.ts'
import { pause } from './pause.ts'

/** Milliseconds between two looks at a lock that another process has. */
const LOOK = 200
/** Milliseconds without a heartbeat of the other process after which waiting ends. */
const LONGEST_WAIT = 60_000

/**
 * Runs `work` while this process alone holds the lock file.
 * @throws FileError `file/write`, `file/in-use` when the process that has the lock is stopped;
 *   InterruptedError while it waits; what `work` throws
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
    const silence = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (silence > LONGEST_WAIT) throw stopped(path, taken)
    await pause(LOOK, 'waiting for another download of the same file', signal)
  }
}

function stopped(path: string, { pid, host }: Holder): FileError {
  return new FileError('in-use', {
    message: `${path}: process ${pid} on ${host} downloads the same file and has not moved for ${LONGEST_WAIT / 1000} s`,
    hint: 'Is it stopped (Ctrl-Z)? Continue it, or end it, and run the same command again.',
  })
}
