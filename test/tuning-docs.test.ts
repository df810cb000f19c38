/** @file docs/tuning.md lists every setting of a tuning with its default and its flag. */

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tune } from '../src/cli/commands/tune.ts'
import { flaggedSettings, flagOf, TUNE_KEYS } from '../src/cli/tune-settings.ts'
import { keysAt } from '../src/foundation/files/settings.ts'
import { recipes } from '../src/learning/tuning/recipes.ts'
import { tuneSettings } from '../src/learning/tuning/settings.ts'
import { textOf } from './pages.ts'

const page = textOf('docs/tuning.md')

/** Rows of the tables of keys: key → default and flag, as they are written. */
const documented = new Map(
  [...page.matchAll(/^\| `([\w.[\]]+)` \| (?:`([^`]*)`)? ?\| (?:`([^`]*)`)? ?\| /gm)].map(
    ([, key = '', usual = '', flag = '']) => [key, { usual, flag }] as const,
  ),
)

const groups = ['dev', 'input', 'train', 'loss', 'batch', 'optimizer', 'schedule']
const keys = Object.keys(tuneSettings.shape).flatMap((key) => {
  if (key === 'data') return keysAt(tuneSettings, ['data', 0]).map((name) => `data[].${name}`)
  return groups.includes(key) ? keysAt(tuneSettings, [key]).map((name) => `${key}.${name}`) : [key]
})

const given = { model: 'm', out: 'o', data: [{ path: 'p' }] }
const flat = z.record(z.string(), z.unknown())
const defaults = flat.parse(tuneSettings.parse(given))

function defaultOf(key: string): unknown {
  const [first = '', second] = key.replace('[]', '').split('.')
  const value = first === 'data' ? tuneSettings.parse(given).data[0] : defaults[first]
  return second === undefined ? value : flat.parse(value)[second]
}

test('every key stands there once, and no other', () => {
  expect([...documented.keys()].sort()).toEqual([...keys].sort())
  const rows = [...page.matchAll(/^\| `([\w.[\]]+)` \| .* \| .* \| /gm)].map(([, key]) => key)
  expect(rows.filter((key, at) => keys.includes(key ?? '') && rows.indexOf(key) !== at)).toEqual([])
})

describe('with its default', () => {
  const own = keys.filter((key) => !['model', 'out', 'data[].path'].includes(key))
  test.each(own)('%s', (key) => {
    const { usual } = documented.get(key) ?? { usual: '' }
    const value = defaultOf(key)
    expect(typeof value === 'string' ? usual : JSON.parse(usual)).toEqual(value)
  })
})

describe('with its flag', () => {
  test.each(keys)('%s', (key) => {
    const { flag } = documented.get(key) ?? { flag: '' }
    expect(flag).toBe(flagOf(key.replace('[]', '')) ?? '')
    if (flag !== '' && flag !== 'MODEL') expect(tune.outline.flags.map(({ name }) => name)).toContain(flag)
  })
})

describe('flags that take few values', () => {
  const camel = (flag: string) => flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  const choosing = tune.outline.flags.filter(({ choices }) => choices.length > 0)
  test.each(choosing.map(({ name, choices }) => [name, choices] as const))(
    '%s knows those of the library',
    (name, choices) => {
      for (const choice of choices) {
        const settings = flaggedSettings({ data: ['p'], [camel(name)]: choice })
        expect(tuneSettings.safeParse({ ...given, ...settings }).error?.issues).toBeUndefined()
      }
    },
  )
})

test('every key of a flag is one of the settings', () => {
  expect(Object.values(TUNE_KEYS).filter((key) => !keys.includes(key))).toEqual([])
})

test.each(Object.entries(recipes))('recipe %s has its source on the page', (name, { source }) => {
  expect(page).toContain(`\`${name}\``)
  const paper = /arXiv [\d.]+/.exec(source)?.[0]
  expect(page).toContain(paper ?? '`bifocal study`')
})
