/**
 * @file Where the reference fixtures lie: whole ones in BIFOCAL_GOLDEN, reduced ones, of every
 * family and kind, in the repository.
 */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackFolder } from './packed-folder.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Folder of the whole fixtures. It need not exist. */
export const wholeFixtures = process.env.BIFOCAL_GOLDEN ?? here('../../shared/golden')

/** Folder of the reduced fixtures, packed (test/packed-folder.ts). */
export const reducedFixtures = here('fixtures/golden')

/** Names of the reduced fixtures, sorted. */
export function reducedNames(): string[] {
  const entries = readdirSync(reducedFixtures, { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

/** Whether the whole fixture of this name is on this machine. */
export function hasWhole(name: string): boolean {
  return existsSync(join(wholeFixtures, name))
}

/** Whether the fixture of this name is at hand, whole or reduced. */
export function hasGolden(name: string): boolean {
  return hasWhole(name) || existsSync(join(reducedFixtures, name))
}

/**
 * The folder of a reference fixture: the whole one where it is on this machine, else the reduced
 * one, which has the same checkpoint and stages, but fewer cases.
 * @throws Error for a path: a part of a fixture would be unpacked in place of the whole
 */
export function goldenDir(name: string): string {
  if (basename(name) !== name) throw new Error(`${name} is no fixture's name`)
  return hasWhole(name) ? join(wholeFixtures, name) : reducedDir(name)
}

/** The folder of a reduced fixture, unpacked: for tests that would take long on the whole one. */
export function reducedDir(name: string): string {
  const dir = join(here('../.bifocal/golden'), stateOfReduced(), name)
  unpackFolder(reducedFixtures, name, dir)
  return dir
}

/** Names the reduced fixtures as they are now: changed ones are unpacked anew. */
function stateOfReduced(): string {
  const hash = createHash('sha256')
  for (const path of readdirSync(reducedFixtures, { recursive: true, encoding: 'utf8' }).sort()) {
    const { size, mtimeMs } = statSync(join(reducedFixtures, path))
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}
