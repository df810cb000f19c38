/**
 * @file Every family has a page that the index lists, and every preset stands on the page of its
 * family.
 */

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { presetNames, presets } from '../src/models/embedder/presets.ts'
import { familyNames } from '../src/models/families/registry.ts'

const page = (name: string) => fileURLToPath(new URL(`../docs/families/${name}.md`, import.meta.url))
const read = (name: string) => readFileSync(page(name), 'utf8')

test.each(familyNames)('%s', (name) => {
  expect(existsSync(page(name))).toBe(true)
  expect(read('README')).toContain(`[${name}](${name}.md)`)
  expect(read(name)).toMatch(/npx bifocal embed /)
})

test.each(presetNames)('preset %s', (name) => {
  const { family, repositories } = presets[name]
  expect(read(family)).toContain(`\`${name}\``)
  expect(read('README')).toContain(`\`${name}\``)
  // Variants are listed by their endings.
  for (const repository of repositories) expect(read(family)).toContain(repository.split('/')[0])
})
