/** @file A model's own words about itself. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../../foundation/files/file.ts'

/** The first paragraph of the model card behind its front matter and title. */
export async function cardOf(dir: string): Promise<string | undefined> {
  const path = join(dir, 'README.md')
  if (!existsSync(path)) return undefined
  const body = (await readText(path)).replace(/^---\n[\s\S]*?\n---\n/, '')
  const paragraph = body
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .find((part) => part !== '' && !part.startsWith('#'))
  return paragraph?.replace(/\s+/g, ' ')
}
