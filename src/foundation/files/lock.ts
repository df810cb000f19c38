/** @file Files that one process at a time may write: a lock file beside them says who does. */

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { FileError, systemCode, writeFailure } from './errors.ts'
import { makeFolder } from './file.ts'
import { lives, removedAtExit, temporaryPath } from './temporary.ts'

/** The holder touches its lock so often, in ms; one that is four beats old was left behind. */
const BEAT = 5_000

export interface Lock {
  release(): Promise<void>
}

/** Who has a lock: the number of its process, and its machine. */
export interface Holder {
  readonly pid: number
  readonly host: string
}

/**
 * Takes the lock, or says who has it. One that was left behind, by a process of this machine that
 * is no more or by one that has not touched it for long, is taken over.
 * @param path of the lock file; absent folders are made
 * @throws FileError `file/write`
 */
export async function takeLock(path: string): Promise<Lock | Holder> {
  for (;;) {
    if (await made(path)) return held(path)
    const found = await read(path)
    if (found === undefined) continue
    if (!isLeftBehind(found)) return found.holder
    await clearAway(path, found.text)
  }
}

/**
 * The lock of a file or folder that one process at a time may write; the lock file `PATH.lock`
 * stands beside it.
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

async function made(path: string): Promise<boolean> {
  try {
    await makeFolder(dirname(path))
    const file = await open(path, 'wx')
    await named(file).catch(async (cause: unknown) => {
      await rm(path, { force: true })
      throw cause
    })
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw writeFailure(path, cause)
  }
}

/** No two locks are equal, so that none is taken for one that was found before. */
async function named(file: FileHandle): Promise<void> {
  await file
    .writeFile(`${process.pid} ${hostname()} ${randomBytes(6).toString('hex')}`)
    .finally(() => file.close())
}

function held(path: string): Lock {
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT).unref()
  const keep = removedAtExit(path)
  const release = async () => {
    clearInterval(beat)
    keep()
    await rm(path, { force: true })
  }
  return { release }
}

interface Found {
  text: string
  holder: Holder
  /** Since it was touched, in ms. */
  age: number
}

/** Undefined when it is gone meanwhile. */
async function read(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const [pid = '', host = ''] = text.split(' ')
    return { text, holder: { pid: Number(pid), host }, age: Date.now() - mtimeMs }
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw writeFailure(path, cause)
  }
}

function isLeftBehind({ holder: { pid, host }, age }: Found): boolean {
  // Numbers of processes mean nothing on another machine that shares the disk. An empty file is
  // being written.
  return age > 4 * BEAT || (pid > 0 && host === hostname() && !lives(pid))
}

/**
 * By renaming, so that of several who find the lock one clears it; what another has taken meanwhile
 * is put back.
 */
async function clearAway(path: string, text: string): Promise<void> {
  const aside = temporaryPath(path)
  try {
    await rename(path, aside)
    const taken = await readFile(aside, 'utf8')
    if (taken === text) await rm(aside, { force: true })
    else await rename(aside, path)
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw writeFailure(path, cause)
  }
}
