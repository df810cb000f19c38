/** @file One download of a file at a time, also between processes: the second waits and finds the file there. */

import { open, readFile, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { systemCode, writeFailure } from '../checkpoint/errors.ts'
import { makeFolder } from '../checkpoint/file.ts'
import { lives } from '../checkpoint/temporary.ts'
import { pause } from './pause.ts'

/** The holder touches its lock so often, in ms; one that is four beats old was left behind. */
const BEAT = 5_000

/**
 * Runs `work` while this process alone holds the lock file. Downloads write equal bytes to equal places, so a lock that is wrongly taken for
 * left behind costs traffic, not data.
 * @throws FileError `file/write`; InterruptedError while it waits; what `work` throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  while (!(await taken(path))) {
    if (await isLeftBehind(path)) await rm(path, { force: true })
    else await pause(BEAT / 25, 'waiting for another download of the same file', signal)
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT).unref()
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await rm(path, { force: true })
  }
}

async function taken(path: string): Promise<boolean> {
  try {
    await makeFolder(dirname(path))
    const file = await open(path, 'wx')
    await file.writeFile(holder(process.pid)).finally(() => file.close())
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw writeFailure(path, cause)
  }
}

async function isLeftBehind(path: string): Promise<boolean> {
  const [text, mtimeMs] = await Promise.all([readFile(path, 'utf8'), stat(path).then((found) => found.mtimeMs)]).catch(
    () => ['', Date.now()] as const,
  )
  const pid = Number(text.split(' ')[0])
  return Date.now() - mtimeMs > 4 * BEAT || (pid > 0 && text === holder(pid) && !lives(pid))
}

function holder(pid: number): string {
  return `${pid} ${hostname()}`
}
