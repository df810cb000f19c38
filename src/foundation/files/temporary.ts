/**
 * @file Files on their way to their name: what they are called meanwhile, and who clears them away
 * when their writer was killed.
 */

import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { systemCode } from './errors.ts'

/** Of this machine: numbers of processes mean nothing on another one that shares the disk. */
const HOST = hostname()
  .replace(/[^\w-]/g, '_')
  .slice(0, 32)
const NAME = /^\..+\.(\d+)@([\w-]+)\.[0-9a-f]+\.tmp$/

/**
 * A path beside `path` that says whose it is. @example temporaryPath('a/x.npy') //
 * 'a/.x.npy.4711@host.0f1e2d3c4b5a.tmp'
 */
export function temporaryPath(path: string): string {
  return join(
    dirname(path),
    `.${basename(path)}.${process.pid}@${HOST}.${randomBytes(6).toString('hex')}.tmp`,
  )
}

/**
 * Removes a file when the process exits: a second Ctrl-C waits for nothing. @returns what calls
 * that off
 */
export function removedAtExit(path: string): () => void {
  const remove = () => rmSync(path, { force: true })
  process.once('exit', remove)
  return () => void process.off('exit', remove)
}

/**
 * Removes what processes of this machine that are no more left half written. Files of living
 * processes, of other machines and of other kinds stay.
 * @param recursive folders below too
 */
export async function removeAbandoned(folder: string, { recursive = false } = {}): Promise<void> {
  const paths = await readdir(folder, { recursive }).catch((): string[] => [])
  for (const path of paths) {
    const [, pid, host] = NAME.exec(basename(path)) ?? []
    if (host === HOST && !lives(Number(pid))) await rm(join(folder, path), { force: true })
  }
}

/** Whether a process of this machine runs. */
export function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    return systemCode(cause) === 'EPERM'
  }
}
