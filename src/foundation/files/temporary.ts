/**
 * @file Temporary names of files that are being written. A name says which process writes, so that
 * a later run can remove what a killed process left.
 */

import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { systemCode } from './errors.ts'

/**
 * This machine's name, part of a temporary name: on another machine that shares the disk, a process
 * number means nothing.
 */
const HOST = hostname()
  .replace(/[^\w-]/g, '_')
  .slice(0, 32)
const NAME = /^\..+\.(\d+)@([\w-]+)\.[0-9a-f]+\.tmp$/

/**
 * Makes a temporary path beside `path` that names this process and machine.
 * @example temporaryPath('a/x.npy') // 'a/.x.npy.4711@host.0f1e2d3c4b5a.tmp'
 */
export function temporaryPath(path: string): string {
  return join(
    dirname(path),
    `.${basename(path)}.${process.pid}@${HOST}.${randomBytes(6).toString('hex')}.tmp`,
  )
}

/**
 * Removes a file when the process exits. A second Ctrl-C ends the process at once, so no other code
 * would remove it.
 * @returns a function that cancels the removal
 */
export function removedAtExit(path: string): () => void {
  const remove = () => rmSync(path, { force: true })
  process.once('exit', remove)
  return () => void process.off('exit', remove)
}

/**
 * Removes the temporary files of processes of this machine that have ended. Files of living
 * processes, of other machines and of other kinds stay.
 * @param recursive also in the folders below
 */
export async function removeAbandoned(folder: string, { recursive = false } = {}): Promise<void> {
  const paths = await readdir(folder, { recursive }).catch((): string[] => [])
  for (const path of paths) {
    const [, pid, host] = NAME.exec(basename(path)) ?? []
    if (host === HOST && !lives(Number(pid))) await rm(join(folder, path), { force: true })
  }
}

/** Whether a process with this number runs on this machine. */
export function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    return systemCode(cause) === 'EPERM'
  }
}
