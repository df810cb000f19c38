/** @file Settings: problems are told with the place, the key and the key that was meant. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readConfigFile } from './config-file.ts'
import { checkSettings, keysAt } from './settings.ts'

const schema = z.strictObject({
  rank: z.int().min(1).default(8),
  data: z.array(z.union([z.string(), z.strictObject({ path: z.string(), weight: z.number().default(1) })])),
  loss: z
    .strictObject({
      temperature: z
        .union([z.number(), z.strictObject({ start: z.number(), end: z.number() })])
        .default(0.02),
    })
    .prefault({}),
})

const place = ([first]: readonly PropertyKey[]) => `at ${String(first)}`

describe('checkSettings', () => {
  test('fills in defaults of groups that are absent', () => {
    expect(checkSettings(schema, { data: [] })).toEqual({
      settings: { rank: 8, data: [], loss: { temperature: 0.02 } },
    })
  })

  test.each<[string, unknown, string, string]>([
    ['an unknown key', { data: [], rnk: 2 }, 'at rnk: there is no key rnk', 'Did you mean "rank"?'],
    [
      'one of a group',
      { data: [], loss: { temprature: 2 } },
      'at loss: there is no key loss.temprature',
      'Did you mean "loss.temperature"?',
    ],
    [
      'one that is like no other',
      { data: [], loss: { zzz: 2 } },
      'at loss: there is no key loss.zzz',
      'Keys of loss are temperature.',
    ],
    [
      'one of a member of a list that may have two forms',
      { data: [{ path: 'a', wieght: 2 }] },
      'at data: there is no key data[0].wieght',
      'Did you mean "data[0].weight"?',
    ],
  ])('%s is refused with a suggestion', (_, given, problems, hint) => {
    expect(checkSettings(schema, given, place)).toEqual({ problems, hint, missing: [] })
  })

  test.each<[string, unknown, string]>([
    ['its range', { data: [], rank: 0 }, 'at rank: rank: Too small: expected number to be >=1, got 0'],
    [
      'all forms that it may have',
      { data: [], loss: { temperature: 'x' } },
      'at loss: loss.temperature: expected number, received string, or expected object, received string, got "x"',
    ],
    [
      'the form that it comes nearest to',
      { data: [], loss: { temperature: { start: 1 } } },
      'at loss: loss.temperature.end is missing',
    ],
  ])('another value is refused with %s', (_, given, problems) => {
    expect(checkSettings(schema, given, place)).toMatchObject({ problems })
  })

  test('keys that are missing are named', () => {
    expect(checkSettings(schema, {})).toMatchObject({ problems: 'data is missing', missing: ['data'] })
  })

  test('keys of all forms are known', () => {
    expect(keysAt(schema, ['data', 3])).toEqual(['path', 'weight'])
    expect(keysAt(schema, ['loss', 'temperature'])).toEqual(['start', 'end'])
  })
})

describe('readConfigFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bifocal-config-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const fileOf = (text: string) => {
    const path = join(folder, 'tune.yaml')
    writeFileSync(path, text)
    return path
  }

  test('knows the line of a key, of a member of a list, and of the nearest key above', async () => {
    const { lineOf, value } = await readConfigFile(
      fileOf('model: m\ndata:\n  - path: a\n    weight: 2\n  - b\nloss: {temperature: 1}\n'),
    )
    expect(value).toEqual({ model: 'm', data: [{ path: 'a', weight: 2 }, 'b'], loss: { temperature: 1 } })
    expect(
      [['model'], ['data', 0, 'weight'], ['data', 1], ['loss', 'temperature'], ['data', 0, 'absent']].map(
        lineOf,
      ),
    ).toEqual([1, 4, 5, 6, 3])
  })

  test('JSON is read as well', async () => {
    const { value, lineOf } = await readConfigFile(fileOf('{\n "model": "m",\n "steps": 3\n}'))
    expect([value, lineOf(['steps'])]).toEqual([{ model: 'm', steps: 3 }, 3])
  })

  test.each([
    ['a key that stands twice', 'a: 1\na: 2\n', /line 2: Map keys must be unique/],
    ['broken syntax', 'a: [1\nb: 2\n', /line \d+: /],
    ['a list', '- 1\n', /expected keys and values at the top/],
    ['nothing', '', /expected keys and values at the top/],
  ])('%s is refused', async (_, text, message) => {
    await expect(readConfigFile(fileOf(text))).rejects.toMatchObject({
      code: 'usage/config',
      message: expect.stringMatching(message),
    })
  })
})
