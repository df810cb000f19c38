/** @file Settings from a file, a recipe and flags: which one wins, and how problems are told. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { recipes } from '../recipes.ts'
import { recipeNames } from '../settings.ts'
import { printableSettings, settingsFrom } from './given.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-given-'))
afterAll(() => rmSync(folder, { recursive: true }))

const own = { model: 'm', out: 'o', data: 'pairs.jsonl' }

function configOf(text: string): string {
  const path = join(folder, 'tune.yaml')
  writeFileSync(path, text)
  return path
}

test('a missing model: the hint says that a flag may have taken it', async () => {
  const spelled = (key: string) => (key === 'model' ? 'MODEL' : undefined)
  const { model: _, ...rest } = own
  await expect(settingsFrom({ given: rest, spelled })).rejects.toMatchObject({
    code: 'usage/option',
    hint: expect.stringMatching(/Give MODEL.*--data, takes every word behind it: put MODEL first/),
  })
})

describe('layers', () => {
  test('a path alone is a source', async () => {
    const { data } = await settingsFrom({ given: own })
    expect(data).toMatchObject([{ path: 'pairs.jsonl', weight: 1 }])
  })

  test('a given key wins over the file, the file over the recipe, the recipe over the default', async () => {
    const config = configOf('recipe: vlm2vec\ntrain: {rank: 4, alpha: 5}\n')
    const { train } = await settingsFrom({ config, given: { ...own, train: { rank: 2 } } })
    expect(train).toMatchObject({ rank: 2, alpha: 5, dora: true, dropout: 0.1, rslora: false })
  })

  test('a value that has several forms is taken whole', async () => {
    const config = configOf('recipe: bifocal\n')
    const { loss } = await settingsFrom({ config, given: { ...own, loss: { temperature: 0.05 } } })
    expect(loss.temperature).toBe(0.05)
  })

  test('epochs take the place of a recipe’s steps', async () => {
    const given = { ...own, recipe: 'vlm2vec', epochs: 2 }
    expect(await settingsFrom({ given })).toMatchObject({ steps: null, epochs: 2 })
  })

  test.each([
    ['epochs', { epochs: 2 }, { steps: null, epochs: 2 }],
    ['steps', { steps: 3 }, { steps: 3, epochs: null }],
  ])('%s that are given take the place of what a file says of the length', async (_, length, expected) => {
    for (const said of ['steps: 9\n', 'epochs: 9\n', 'recipe: vlm2vec\nepochs: 9\n'])
      expect(await settingsFrom({ config: configOf(said), given: { ...own, ...length } })).toMatchObject(
        expected,
      )
  })

  test.each(recipeNames)('recipe %s is whole, and its source is named', async (recipe) => {
    expect(await settingsFrom({ given: { ...own, recipe } })).toMatchObject({ recipe })
    expect(recipes[recipe].source).not.toBe('')
  })
})

test.each([...recipeNames, null])('printed settings (recipe %s) can be given back', async (recipe) => {
  const printed = await printableSettings({ given: { ...own, recipe } })
  expect(await settingsFrom({ config: configOf(stringify(printed)) })).toEqual(printed)
})

test('settings without model, data and out can be printed', async () => {
  expect(await printableSettings({})).not.toHaveProperty('model')
})

describe('problems', () => {
  test('of keys that are missing are told with their flags', async () => {
    const spelled = (key: string) => (key === 'model' ? 'MODEL' : `--${key}`)
    await expect(settingsFrom({ given: { data: 'a' }, spelled })).rejects.toMatchObject({
      message: 'model is missing; out is missing',
      hint: expect.stringMatching(/^Give MODEL, --out, or these keys in a configuration file\./),
    })
  })

  test('of a file are told with its line and the key that was meant', async () => {
    const config = configOf('model: m\nout: o\ndata: a\ntrain:\n  rnak: 3\n')
    await expect(settingsFrom({ config })).rejects.toMatchObject({
      code: 'usage/config',
      message: `${config}, line 5: there is no key train.rnak`,
      hint: 'Did you mean "train.rank"?',
    })
  })

  test('of a flag are told by the flag', async () => {
    const given = { ...own, train: { rank: 0 } }
    const spelled = (key: string) => (key === 'train.rank' ? '--rank' : undefined)
    await expect(settingsFrom({ given, spelled })).rejects.toMatchObject({
      code: 'usage/option',
      message: expect.stringMatching(/^--rank: train\.rank: .*got 0$/),
    })
  })

  test.each([
    ['two lengths', { steps: 3, epochs: 1 }, /steps and epochs/],
    ['sub-batches that do not fit', { batch: { size: 10, subBatch: 4 } }, /no multiple/],
    ['an update’s settings for whole weights', { train: { method: 'all', dora: true } }, /method all/],
  ])('%s are refused', async (_, more, message) => {
    await expect(settingsFrom({ given: { ...own, ...more } })).rejects.toMatchObject({
      code: 'usage/option',
      message: expect.stringMatching(message),
    })
  })
})
