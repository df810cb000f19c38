import { beforeAll, expect, test } from 'vitest'
import { wordTokenizer } from '../../../test/word-tokenizer.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { COLOURS } from '../../inputs/scenes/colours.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { IMAGE_TOKENS, PLAIN_STEPS, TOWER } from './recipe.ts'
import { type TowerWorld, textIds, towerBatch } from './tower-batch.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

const DATA = shippedData()
const training = { steps: 10, batch: 16, bank: 8, seed: 3 }

let at: TowerWorld

beforeAll(async () => {
  const world = await loadWorld(DATA, 'small')
  at = { world, sheets: await loadSheets(DATA, world.training), tokenizer: wordTokenizer() }
}, 120_000)

test('a batch is a function of the step', () => {
  expect(towerBatch(at, training, 2)).toEqual(towerBatch(at, training, 2))
  expect(towerBatch(at, training, 3).pixels).not.toEqual(towerBatch(at, training, 2).pixels)
})

test('a picture and a text share a group where the words are the same, and only there', () => {
  const { image_group: images, text_group: texts, text_ids: ids } = towerBatch(at, training, 0)
  const words = (row: number) => ids!.data.slice(row * TOWER.textLength, (row + 1) * TOWER.textLength).join()
  expect(texts!.dims[0]).toBeGreaterThanOrEqual(training.batch + training.bank)
  for (let picture = 0; picture < training.batch; picture++) {
    for (let text = 0; text < texts!.dims[0]!; text++) {
      expect(images!.data[picture] === texts!.data[text]).toBe(words(picture) === words(text))
    }
  }
})

test('patch classes name the concepts of the captions', () => {
  const { patch_concept: classes, patch_weight: weights } = towerBatch(at, training, 1)
  for (let picture = 0; picture < training.batch; picture++) {
    const { description } = captionPair(at.world, training.seed, training.batch + picture)
    const own = Array.from(classes!.data.slice(picture * IMAGE_TOKENS, (picture + 1) * IMAGE_TOKENS), Number)
    const named = new Set(own.flatMap((index) => at.world.training[index]?.index ?? []))
    expect(named).toEqual(new Set(description.parts.map(({ concept }) => concept)))
    for (const [patch, index] of own.entries())
      expect(Number(weights!.data[picture * IMAGE_TOKENS + patch]) < 1).toBe(
        index === at.world.training.length,
      )
  }
})

test('texts end, are filled and cut with the end token', () => {
  const long = Array.from({ length: 40 }, (_, i) => `w${i}`).join(' ')
  const { dims, data } = textIds(['one two', long], wordTokenizer())
  expect(dims).toEqual([2, TOWER.textLength])
  expect(Array.from(data.slice(0, 4), Number)).toEqual([0, 1, SPECIAL_IDS.eos, SPECIAL_IDS.eos])
  expect(Number(data[2 * TOWER.textLength - 1])).toBe(SPECIAL_IDS.eos)
  expect(Number(data[2 * TOWER.textLength - 2])).toBe(2 + TOWER.textLength - 2)
})

test('varied pictures show some single things as silhouettes, of a colour that their patches name', () => {
  const longer = { ...training, steps: 2 * PLAIN_STEPS, batch: 64 }
  const { patch_tint: plain } = towerBatch(at, longer, 0)
  const { patch_tint: varied } = towerBatch(at, longer, PLAIN_STEPS)
  const tinted = (tints: typeof plain) =>
    Array.from(tints!.data, Number).filter((tint) => tint < COLOURS.length).length
  expect(tinted(varied)).toBeGreaterThan(1.5 * tinted(plain))
})
