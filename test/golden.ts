/**
 * @file Where the reference fixtures lie. Without them the suite still runs on test/fixtures, and
 * says so.
 */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = process.env.BIFOCAL_GOLDEN ?? fileURLToPath(new URL('../../shared/golden', import.meta.url))

/** The folder of one golden fixture. */
export function goldenDir(name: string): string {
  return `${root}/${name}`
}

/** Whether a golden fixture is on this machine; says loudly when it isn't. */
export function hasGolden(name: string): boolean {
  const found = existsSync(goldenDir(name))
  if (!found)
    console.warn(`NOT COMPARED with the reference: golden fixture ${name} is absent (set BIFOCAL_GOLDEN)`)
  return found
}
