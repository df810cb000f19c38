import { beforeAll, describe, expect, test } from 'vitest'
import { wordTokenizer } from '../../../test/word-tokenizer.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { IMAGE_TOKENS } from './recipe.ts'
import { rowOf } from './rows.ts'
import type { TowerWorld } from './tower-batch.ts'
import { twinBatch } from './twin-batch.ts'
import { PHASES, READING_STEPS } from './twin-diet.ts'
import { samplesOf, trainingSamples, withShuffledPictures } from './twin-samples.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

const DATA = shippedData()
const training = { steps: 100, batch: 6, seed: 9 }
const options = { seed: 9, step: 4, learning: true }

let at: TowerWorld

beforeAll(async () => {
  const world = await loadWorld(DATA, 'small')
  at = { world, sheets: await loadSheets(DATA, world.training), tokenizer: wordTokenizer() }
}, 120_000)

const numbers = ({ data }: Tensor) => Array.from(data, Number)
const drawn = () => samplesOf(at.world, { kind: 'qa', seed: 2, from: 0, count: 6, use: 'train' })

test('both objectives see the same pictures and prompts', () => {
  const ar = twinBatch(at, drawn(), { ...options, objective: 'next-token' })
  const diffusion = twinBatch(at, drawn(), { ...options, objective: 'masked-diffusion' })
  expect(diffusion.pixels).toEqual(ar.pixels)
  const [arSeq, diffusionSeq] = [ar.input_ids!.dims[1]!, diffusion.input_ids!.dims[1]!]
  for (const [row, sample] of drawn().samples.entries()) {
    const { prompt } = rowOf(at, sample, 'features')
    for (const [batch, seq] of [[ar, arSeq] as const, [diffusion, diffusionSeq] as const]) {
      expect(numbers(batch.input_ids!).slice(row * seq, row * seq + prompt.length)).toEqual(prompt)
    }
  }
})

describe('next token', () => {
  test('each answer token is scored at the position before it', () => {
    const batch = twinBatch(at, drawn(), { ...options, objective: 'next-token' })
    const ids = numbers(batch.input_ids!)
    const positions = numbers(batch.scored_positions!)
    expect(numbers(batch.scored_targets!)).toEqual(positions.map((position) => ids[position + 1]))
    const answers = drawn().samples.flatMap((sample) => rowOf(at, sample, 'features').answer)
    expect(numbers(batch.scored_targets!)).toEqual(answers)
    expect(numbers(batch.scored_weights!).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5)
  })
})

describe('masked diffusion', () => {
  test('two copies; masks stand where something is scored; every answer token is scored once', () => {
    const batch = twinBatch(at, drawn(), { ...options, objective: 'masked-diffusion' })
    expect(batch.input_ids!.dims[0]).toBe(2 * 6)
    const ids = numbers(batch.input_ids!)
    const masked = ids.flatMap((id, position) => (id === SPECIAL_IDS.mask ? [position] : []))
    expect(numbers(batch.scored_positions!).sort((a, b) => a - b)).toEqual(masked)
    const longest = Math.max(...drawn().samples.map((sample) => rowOf(at, sample, 'features').answer.length))
    expect(masked).toHaveLength(6 * longest)
  })

  test('without filling, the answers alone are scored', () => {
    const batch = twinBatch(at, drawn(), { ...options, learning: false, objective: 'masked-diffusion' })
    const answers = drawn().samples.reduce(
      (sum, sample) => sum + rowOf(at, sample, 'features').answer.length,
      0,
    )
    expect(batch.scored_targets!.dims).toEqual([answers])
  })
})

const kindsOf = (from: number, count: number) =>
  Array.from(
    { length: count },
    (_, i) => trainingSamples(at, { ...training, batch: 1 }, from + i).samples[0]!.kind,
  )
const count = (kinds: readonly string[], kind: string) => kinds.filter((found) => found === kind).length

test('reading comes first', () => {
  const first = kindsOf(0, 50)
  expect([count(first, 'reading'), count(first, 'text')]).toEqual([40, 10])
})

test.each(PHASES)(
  'from step $from on: pictures of all kinds by their shares, every eighth batch without one',
  ({ from, shares }) => {
    const kinds = kindsOf(from, 600)
    expect(count(kinds, 'reading') + count(kinds, 'text')).toBe(75)
    expect(Math.abs(count(kinds, 'reading') - count(kinds, 'text'))).toBeLessThanOrEqual(1)
    expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
    for (const [kind, share] of Object.entries(shares)) {
      // Five standard deviations of a binomial share: by chance one seed in a million fails, and
      // the seed is fixed.
      expect(Math.abs(count(kinds, kind) / 525 - share)).toBeLessThan(
        5 * Math.sqrt((share * (1 - share)) / 525),
      )
    }
  },
)

test('each picture has its own rows, at the positions behind the first token', () => {
  const { image_index: index, pixels } = twinBatch(at, drawn(), { ...options, objective: 'next-token' })
  const seq = index!.dims[1]!
  for (let row = 0; row < 6; row++) {
    const own = numbers(index!).slice(row * seq, (row + 1) * seq)
    expect(own.slice(0, 1 + IMAGE_TOKENS)).toEqual([
      -1,
      ...Array.from({ length: IMAGE_TOKENS }, (_, i) => row * IMAGE_TOKENS + i),
    ])
    expect(own.slice(1 + IMAGE_TOKENS).every((value) => value === -1)).toBe(true)
  }
  expect(pixels!.dims[0]).toBe(6)
})

test('shuffled pictures move, words stay', () => {
  const shuffled = withShuffledPictures(drawn())
  expect(shuffled.samples).toEqual(drawn().samples)
  expect(shuffled.pictures).toEqual([...drawn().pictures.slice(1), drawn().pictures[0]])
})

describe('a plain text', () => {
  const read = () => samplesOf(at.world, { kind: 'reading', seed: 2, from: 0, count: 4, use: 'train' })

  test('is learnt from its first word on: no user asked for it', () => {
    const row = rowOf(at, read().samples[0]!, undefined)
    expect(row.prompt).toEqual([SPECIAL_IDS.bos])
    expect(row.answer).toEqual([
      ...at.tokenizer.encode(read().samples[0]!.answer, { addSpecialTokens: false }),
      SPECIAL_IDS.eos,
    ])
  })

  test('is not filled up to the longest of its batch', () => {
    const batch = twinBatch(at, read(), { ...options, objective: 'masked-diffusion' })
    const tokens = read().samples.reduce((sum, sample) => sum + rowOf(at, sample, undefined).answer.length, 0)
    expect(batch.scored_targets!.dims).toEqual([tokens])
  })
})

test('a batch of text sees one blank picture', () => {
  const batch = twinBatch(at, trainingSamples(at, training, 0), { ...options, objective: 'next-token' })
  expect(batch.pixels!.dims[0]).toBe(1)
  expect(batch.pixels!.data.every((byte) => byte === 0)).toBe(true)
  expect(batch.image_index!.data.every((row) => Number(row) === -1)).toBe(true)
})

test('a batch holds one kind (tags fall back to labels), all kinds come', () => {
  const steps = Array.from(
    { length: 120 },
    (_, i) => trainingSamples(at, training, READING_STEPS + i).samples,
  )
  for (const samples of steps)
    expect(new Set(samples.map(({ kind }) => (kind === 'tags' ? 'label' : kind))).size).toBeLessThanOrEqual(2)
  expect(new Set(steps.map(([first]) => first!.kind))).toEqual(
    new Set([...Object.keys(PHASES[0]!.shares), 'reading', 'text']),
  )
})
