import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wordTokenizer } from '../../../test/word-tokenizer.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { type CardContent, recordedGates, updateGates, writeCard } from './card.ts'
import { gate } from './gates.ts'
import { meanLosses, parseLog, trimmedLog } from './log.ts'
import { twinSubject } from './twin-subject.ts'
import { twinAr } from './twins/twin-ar.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-card-'))
afterAll(() => rmSync(dir, { recursive: true }))

const logText = [
  ...Array.from({ length: 120 }, (_, i) =>
    JSON.stringify({ step: i + 1, loss: i < 60 ? 4 : 2, gradient_norm: 1, factor: 1 }),
  ),
  JSON.stringify({ step: 120, evaluation: { caption_real: 0.5, caption_shuffled: 2.25 } }),
].join('\n')

const count = (value: number) =>
  gate({ model: 'twin-ar', name: 'count', value, bound: 0.5, bounded: 'at least', beside: 'a|b' })

let content: CardContent

beforeAll(async () => {
  const data = shippedData()
  const world = await loadWorld(data, 'small')
  content = {
    subject: twinSubject(twinAr, { pictures: {} }).card,
    steps: 120,
    batch: 64,
    seed: 1,
    parameters: { 'vision_tower.vision_model.a': f32([2], [0, 0]), 'lm_head.weight': f32([3], [0, 0, 0]) },
    gates: [count(0.25)],
    answers: [{ prompt: 'What is in the picture?', gold: 'key', answer: 'ring' }],
    log: parseLog(logText),
    at: { world, sheets: await loadSheets(data, []), tokenizer: wordTokenizer() },
  }
  await writeCard(dir, content)
}, 60_000)

const card = () => readFileSync(join(dir, 'README.md'), 'utf8')

test('gates are read back from a card, marked as recorded', () => {
  expect(recordedGates(card())).toEqual([{ ...count(0.25), recorded: true, beside: 'recorded; a|b' }])
  expect(recordedGates('a card without a table')).toEqual([])
})

describe('the card', () => {
  test.each([
    ['the licence of its pictures', 'OpenMoji, © OpenMoji authors, **CC BY-SA 4.0**'],
    ['how it is made', '`bifocal pretrain twin-ar`: 120 steps of 64 samples, seed 1'],
    ['its size, part by part', '5 parameters: frozen tower 2, projector and decoder 3'],
    ['the loss', '| 120 | 2.000 |'],
    ['held-out losses', '| 120 | 0.500 | 2.250 |'],
    ['gates, pipes escaped', '| MISSED | twin-ar | count | 0.250 | ≥ 0.500 | a\\|b |'],
    ['what it says', '| What is in the picture? | key | ring |  |'],
    ['what is unequal', 'twice the forward and backward work'],
  ])('says %s', (_, text) => {
    expect(card()).toContain(text)
  })

  test('takes new gates in the place of the old', async () => {
    const before = card()
    await updateGates(dir, [count(0.75)])
    expect(card()).toContain('| met | twin-ar | count | 0.750 |')
    await updateGates(dir, [count(0.25)])
    expect(card()).toBe(before)
  })

  test('without a place for gates is told', async () => {
    const bare = mkdtempSync(join(dir, 'bare-'))
    writeFileSync(join(bare, 'README.md'), '# a model')
    await expect(updateGates(bare, [count(0.75)])).rejects.toMatchObject({ code: 'pretraining/no-gates' })
  })
})

describe('the log', () => {
  test('means over spans, the last one shorter', () => {
    expect(meanLosses(parseLog(logText), 50)).toEqual([
      [50, 4],
      [100, (10 * 4 + 40 * 2) / 50],
      [120, 2],
    ])
  })

  test('trimmed, it can be read again', () => {
    const again = parseLog(trimmedLog(parseLog(logText), 50))
    expect(again.losses.map(([step]) => step)).toEqual([50, 100, 120])
    expect(again.evaluations).toEqual([{ step: 120, figures: { caption_real: 0.5, caption_shuffled: 2.25 } }])
    expect(readFileSync(join(dir, 'log.jsonl'), 'utf8')).toBe(trimmedLog(parseLog(logText), 50))
  })
})
