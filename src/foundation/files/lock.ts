/** @file Locks for files that one process at a time may write. A lock file names the process. */

import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { FileError, systemCode, writeFailure } from './errors.ts'
import { makeFolder } from './file.ts'
import { lives, temporaryPath } from './temporary.ts'

/** Milliseconds between two heartbeats: the holder of a lock sets the time of its file. */
const BEAT = 5_000
/** A lock of another machine without a heartbeat for so many milliseconds was left behind. */
const LONGEST_SILENCE = 4 * BEAT

export interface Lock {
  release(): Promise<void>
}

/** The process that has a lock: its number, and its machine. */
export interface Holder {
  readonly pid: number
  readonly host: string
}

/**
 * Takes the lock, or returns the process that has it. A living process of this machine keeps its
 * lock, also while it is stopped. The lock of a process that has ended, and one of another machine
 * that has had no heartbeat for long, is taken over.
 * @param path of the lock file; absent folders are made
 * @throws FileError `file/write`
 */
export async function takeLock(path: string): Promise<Lock | Holder> {
  for (;;) {
    const text = nameOfLock()
    if (await made(path, text)) return held(path, text)
    const found = await read(path)
    if (found === undefined) continue
    if (!isLeftBehind(found)) return found.holder
    await clearAway(path, found.text)
  }
}

/**
 * Locks a file or folder that one process at a time may write. The lock file is `PATH.lock`.
 * @throws FileError `file/in-use` (exit code 2), `file/write`
 */
export async function lockAlone(path: string): Promise<Lock> {
  const taken = await takeLock(`${path}.lock`)
  if ('release' in taken) return taken
  throw new FileError('in-use', {
    message: `${path} is in use: process ${taken.pid} on ${taken.host} writes there`,
    hint: 'Wait until it ends, end it, or write somewhere else.',
  })
}

async function made(path: string, text: string): Promise<boolean> {
  try {
    await makeFolder(dirname(path))
    const file = await open(path, 'wx')
    const written = file.writeFile(text).finally(() => file.close())
    await written.catch(async (cause: unknown) => {
      await rm(path, { force: true })
      throw cause
    })
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw writeFailure(path, cause)
  }
}

/**
 * The content of a lock file: number and machine of the process, a random part by which the process
 * knows its own lock, and when the process started.
 */
function nameOfLock(): string {
  return `${process.pid} ${hostname()} ${randomBytes(6).toString('hex')} ${processOf(process.pid)?.start ?? ''}`.trim()
}

/**
 * Reads from the system whether a process has ended but still has its number (a zombie), and when
 * it started, in the system's own unit. Undefined where the system does not say (no Linux), or for
 * no process.
 */
function processOf(pid: number): { ended: boolean; start: string | undefined } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Fields 3 and 22; the second one, the program's name in parentheses, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { ended: /^[ZXx]/.test(fields[0] ?? ''), start: fields[19] }
  } catch {
    return undefined
  }
}

/** @param text what this process wrote into the lock; a lock with other content is another's */
function held(path: string, text: string): Lock {
  const isOwn = () => readFile(path, 'utf8').then((found) => found === text)
  const touch = async () => {
    if (await isOwn()) await utimes(path, new Date(), new Date())
  }
  const beat = setInterval(() => void touch().catch(() => {}), BEAT).unref()
  const removeOwn = () => {
    try {
      if (readFileSync(path, 'utf8') === text) rmSync(path, { force: true })
    } catch {
      // The lock is gone, or its folder is.
    }
  }
  process.once('exit', removeOwn)
  const release = async () => {
    clearInterval(beat)
    process.off('exit', removeOwn)
    await clearAway(path, text)
  }
  return { release }
}

interface Found {
  text: string
  holder: Holder
  /** When the holder's process started; undefined where the lock does not say. */
  start: string | undefined
  /** Since the last heartbeat, in ms. */
  age: number
}

/** Reads a lock; undefined where it is gone by now. */
async function read(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const [pid = '', host = '', , start] = text.split(' ')
    return { text, holder: { pid: Number(pid), host }, start, age: Date.now() - mtimeMs }
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw writeFailure(path, cause)
  }
}

function isLeftBehind({ holder: { pid, host }, start, age }: Found): boolean {
  // For a process of another machine that shares the disk, the heartbeat is the only sign of life.
  // An empty lock file is being written, or its writer was killed.
  if (pid === 0 || host !== hostname()) return age > LONGEST_SILENCE
  const process = processOf(pid)
  if (!lives(pid) || process?.ended) return true
  // Another process may have got the number; then there is no heartbeat either.
  const isAnother = start !== undefined && process?.start !== undefined && start !== process.start
  return isAnother && age > LONGEST_SILENCE
}

/**
 * Removes the lock if it has this content. It is renamed first, so that of several processes that
 * find it one removes it; a lock that another process has taken meanwhile is put back.
 */
async function clearAway(path: string, text: string): Promise<void> {
  const aside = temporaryPath(path)
  try {
    if ((await readFile(path, 'utf8')) !== text) return
    await rename(path, aside)
    const taken = await readFile(aside, 'utf8')
    if (taken === text) await rm(aside, { force: true })
    else await rename(aside, path)
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw writeFailure(path, cause)
  }
}
