/**
 * @file A study of tiny models that share a base, in the layouts of Qwen2.5-VL, DiffusionVL,
 * Fast-dVLM and MoCa: from checkpoints to sentences, stopped and resumed.
 */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { writeSharedBase } from '../../../../test/shared-base.ts'
import { readContract } from '../../../models/embedder/contract.ts'
import { parseResults, type Results } from '../../report/results.ts'
import type { StudyOptions } from '../options.ts'
import { runStudy } from '../study.ts'

const LONG = 600_000

let dir = ''
let folders: Awaited<ReturnType<typeof writeSharedBase>>
let options: Omit<StudyOptions, 'out' | 'models'>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-pairs-'))
  folders = await writeSharedBase(dir)
  const page = join(dir, 'page.html')
  writeFileSync(page, '<script>"__BIFOCAL_RESULTS__"</script>')
  options = {
    plan: 'pairs',
    tasks: ['object-group', 'scene-what'],
    limits: { train: 8, dev: 2, test: 6, candidates: 4 },
    pairs: 4,
    steps: 1,
    rank: 2,
    seed: 3,
    warn: () => {},
    page,
  }
}, LONG)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const bytesOf = (out: string) => readFileSync(join(out, 'results.json'), 'utf8')
const resultsIn = (out: string): Results => parseResults(JSON.parse(bytesOf(out)))

describe('four models, their own masks and another', () => {
  const out = () => join(dir, 'four')
  let results: Results
  beforeAll(async () => {
    const { base, diffusionVl, fastDvlm, moca } = folders
    const models = [base, diffusionVl, fastDvlm, moca]
    await runStudy({ ...options, models, tune: false, extraMasks: ['bidirectional'], out: out() })
    results = resultsIn(out())
  }, LONG)

  test("each model runs under its own mask first; MoCa's is that of its preset", () => {
    const states = results.models.filter(({ role }) => role === 'checkpoint')
    expect(states.map(({ id, attention, objective }) => `${id} ${attention} ${objective}`)).toEqual([
      'Qwen2.5-VL-3B-Instruct causal autoregressive',
      'Qwen2.5-VL-3B-Instruct-bidirectional bidirectional autoregressive',
      'DiffusionVL-Qwen2.5VL-3B block diffusion',
      'DiffusionVL-Qwen2.5VL-3B-bidirectional bidirectional diffusion',
      'Fast-dVLM-3B causal diffusion',
      'Fast-dVLM-3B-bidirectional bidirectional diffusion',
      'MoCa-Qwen25VL-3B bidirectional autoregressive',
    ])
  })

  test('all models and masks are compared with the first, then mask with mask', () => {
    const comparisons = results.pairs!.comparisons.map(({ kind, a, b }) => `${kind} ${a} − ${b}`)
    expect(comparisons.slice(0, 5)).toEqual([
      'model DiffusionVL-Qwen2.5VL-3B − Qwen2.5-VL-3B-Instruct',
      'model DiffusionVL-Qwen2.5VL-3B-bidirectional − Qwen2.5-VL-3B-Instruct',
      'model Fast-dVLM-3B − Qwen2.5-VL-3B-Instruct',
      'model Fast-dVLM-3B-bidirectional − Qwen2.5-VL-3B-Instruct',
      'model MoCa-Qwen25VL-3B − Qwen2.5-VL-3B-Instruct',
    ])
    expect(comparisons.slice(5)).toEqual([
      'mask Qwen2.5-VL-3B-Instruct-bidirectional − Qwen2.5-VL-3B-Instruct',
      'mask DiffusionVL-Qwen2.5VL-3B-bidirectional − DiffusionVL-Qwen2.5VL-3B',
      'mask Fast-dVLM-3B-bidirectional − Fast-dVLM-3B',
    ])
  })

  test('a comparison has the interval of its difference, and a sentence that fits it', () => {
    for (const { a, b, interval, told, sentence } of results.pairs!.comparisons) {
      const difference = results.differences.find(
        (one) => one.a === a && one.b === b && one.scope.kind === 'in-domain',
      )
      expect(interval).toEqual(difference!.interval)
      expect(sentence).toMatch(told ? /embeds better than/ : /cannot be told apart/)
      if (told) expect(interval.low > 0 || interval.high < 0).toBe(true)
    }
    expect(results.finding.sentence).toContain(results.pairs!.comparisons[0]!.sentence)
  })

  test('the report says how far the models share a base', () => {
    const [diffusionVl, fast] = results.pairs!.others
    expect(diffusionVl!.vision).toMatchObject({ distance: 0, identical: diffusionVl!.vision.tensors })
    expect(diffusionVl!.decoder.distance).toBeCloseTo(0.1, 2)
    expect(diffusionVl!.differs).toEqual(['family: qwen2.5-vl and diffusionvl'])
    expect(fast!.differs).toEqual([])
    expect(results.notes.join('\n')).toMatch(
      /DiffusionVL-Qwen2.5VL-3B beside Qwen2.5-VL-3B-Instruct: decoder 3 of/,
    )
  })
})

test(
  'tuned alike under each mask; stopped and resumed to the same bytes',
  async () => {
    const models = [folders.base, folders.diffusionVl]
    const study = { ...options, models, tasks: ['object-group'], extraMasks: ['bidirectional'] as const }
    const whole = join(dir, 'whole')
    await runStudy({ ...study, out: whole })
    const results = resultsIn(whole)
    expect(results.pairs!.comparisons[0]).toMatchObject({
      a: 'DiffusionVL-Qwen2.5VL-3B-tuned',
      b: 'Qwen2.5-VL-3B-Instruct-tuned',
    })
    const tuned = await readContract(join(whole, 'models', 'Qwen2.5-VL-3B-Instruct-bidirectional-tuned'))
    expect(tuned!.contract.attention).toBe('bidirectional')

    const stopped = join(dir, 'stopped')
    const controller = new AbortController()
    let events = 0
    const onProgress = () => ++events === 20 && controller.abort()
    const run = runStudy({ ...study, out: stopped, signal: controller.signal, onProgress })
    await expect(run).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 })
    expect(existsSync(join(stopped, 'results.json'))).toBe(false)
    await runStudy({ ...study, out: stopped })
    expect(bytesOf(stopped)).toBe(bytesOf(whole))
  },
  LONG,
)

test(
  'a mask that a model cannot run is named, and weights without a shared base are too',
  async () => {
    const models = [folders.base, folders.unrelated]
    const out = join(dir, 'left')
    await runStudy({ ...options, models, tasks: ['object-group'], tune: false, extraMasks: ['block'], out })
    const { pairs, notes } = resultsIn(out)
    expect(pairs!.left.map(({ model, mask }) => `${model} ${mask}`)).toEqual([
      'Qwen2.5-VL-3B-Instruct block',
      'unrelated block',
    ])
    expect(notes.join('\n')).toMatch(/not run under the mask block: .* needs a block size/)
    expect(notes.join('\n')).toMatch(/show no shared base/)
  },
  LONG,
)

describe('no pair', () => {
  const refused = async (models: readonly string[], more: Partial<StudyOptions> = {}) =>
    await expect(runStudy({ ...options, tune: false, ...more, models, out: join(dir, 'refused') })).rejects

  test('a model alone', async () => {
    await (await refused([folders.base])).toMatchObject({ code: 'study/no-pair', exitCode: 3 })
  })

  test('a decoder of other sizes, a dual encoder', async () => {
    const { ar, tower } = await writeRandomTwins(join(dir, 'twins'))
    await (await refused([folders.base, ar])).toMatchObject({
      code: 'study/no-pair',
      message: expect.stringContaining('width: 32 and 24'),
    })
    await (await refused([folders.base, tower])).toMatchObject({ code: 'study/no-pair' })
  })

  test('a tokenizer that gives other ids', async () => {
    const other = join(dir, 'other-tokens')
    cpSync(folders.fastDvlm, other, { recursive: true })
    const file = join(other, 'tokenizer.json')
    const json = JSON.parse(readFileSync(file, 'utf8'))
    const names = Object.keys(json.model.vocab)
    const [a = '', b = ''] = ['a', 'e'].filter((name) => names.includes(name))
    ;[json.model.vocab[a], json.model.vocab[b]] = [json.model.vocab[b], json.model.vocab[a]]
    writeFileSync(file, JSON.stringify(json))
    await (await refused([folders.base, other])).toMatchObject({
      code: 'study/no-pair',
      message: expect.stringContaining('gives other ids'),
    })
  })

  test('extra masks in another plan, the plan without models', async () => {
    const masks = { plan: 'quick', extraMasks: ['causal'] } as const
    await (await refused([folders.base], masks)).toMatchObject({ code: 'usage/arguments', exitCode: 2 })
    const { models: _, ...bare } = { ...options, models: undefined }
    await expect(runStudy({ ...bare, out: join(dir, 'refused') })).rejects.toMatchObject({
      code: 'usage/arguments',
    })
  })
})
