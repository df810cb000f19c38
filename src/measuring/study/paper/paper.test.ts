import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomDiscreteTwin, writeRandomTwins } from '../../../../test/random-twins.ts'
import { type PaperOptions, runPaper } from './paper.ts'
import { PAPER_PLAN, type PaperPlan, runId, runsOf } from './plan.ts'
import { hitsOf, valuesOf } from './record.ts'
import { STAGE } from './stage.ts'

const LONG = 600_000

test('the plan: 36 tunings under the own mask, 12 under the other, a curve of five shares', () => {
  const runs = runsOf(PAPER_PLAN)
  const count = (accepts: (run: (typeof runs)[number]) => boolean) => runs.filter(accepts).length
  expect(count(({ mask, share }) => mask === 'native' && share === 1)).toBe(36)
  expect(count(({ mask }) => mask === 'other')).toBe(12)
  expect(count(({ share }) => share < 1)).toBe(20)
  const all = runsOf(PAPER_PLAN, { extras: true })
  // Beside the arm of equal compute, the further kinds of models and the other mask, 12 runs for
  // each of the two conditions.
  expect(all).toHaveLength(68 + 9 + 2 * 12 + 15 + 24)
  const half = all.filter(({ arm }) => arm.name === 'twin-diffusion-half')
  expect(half).toHaveLength(9)
  expect(new Set(half.map(({ pretraining }) => pretraining))).toEqual(new Set(PAPER_PLAN.pretraining))
  expect(new Set(all.map(runId)).size).toBe(all.length)
  expect(all.filter(({ condition }) => condition === 'captions')).toHaveLength(12)
})

test('hits are kept exactly: bits, or numbers where ties count in parts', () => {
  for (const values of [[], [0, 1, 1, 0], [1, 1, 1, 0, 0, 0, 1], [0, 0.5, 1 / 3, 1]])
    expect(valuesOf(hitsOf(values.map((hit1) => ({ hit1 }))))).toEqual(values)
  expect(hitsOf([1, 0, 0, 0, 1].map((hit1) => ({ hit1 })))).toBe('5:88')
})

describe('a plan of tiny twins', () => {
  let root = ''
  let options: Omit<PaperOptions, 'out'>
  const plan: PaperPlan = { ...PAPER_PLAN, pretraining: [1, 2], tuning: [3], otherMask: [3], shares: [] }
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'bifocal-paper-'))
    const { ar, diffusion } = await writeRandomTwins(root)
    const weights = join(root, 'weights')
    for (const [arm, from] of [
      ['twin-ar', ar],
      ['twin-diffusion', diffusion],
      ['twin-ar-discrete', ar],
      ['twin-discrete', diffusion],
    ] as const)
      cpSync(from, join(weights, '1', arm), { recursive: true })
    options = {
      weights,
      plan,
      tasks: ['object-group'],
      stage: { ...STAGE, pairs: 8, batch: 4, positions: 1200 },
      steps: 1,
      rank: 2,
      limits: { train: 40, dev: 4, test: 6, candidates: 4 },
      pairs: 8,
      threads: 1,
    }
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const bytes = (out: string) => readFileSync(join(out, 'paper.json'), 'utf8')

  test(
    'runs with what is there, and says what is missing',
    async () => {
      const whole = join(root, 'whole')
      const warned: string[] = []
      const results = await runPaper({ ...options, out: whole, warn: (message) => warned.push(message) })
      expect(results.runs).toHaveLength(8)
      expect(results.missing.map(({ arm, pretraining }) => `${arm} ${pretraining}`)).toEqual(
        PAPER_PLAN.arms.map(({ name }) => `${name} 2`),
      )
      expect(results.missing[3]!.command).toContain('pretrain twin-discrete --seed 2')
      expect(warned).toHaveLength(4)
      // One pretraining and one tuning of each kind: test rows alone are drawn.
      const [first] = results.effects.tuned
      expect([first!.drawn, first!.draws]).toEqual(['nothing', [1, 1, 1, 1]])
      expect(results.effects.tuned.some(({ factors }) => factors.includes('mask'))).toBe(true)
      // The same weights stand behind aligned and discrete here.
      const pictures = results.effects.tuned.find(({ factors }) => factors.join() === 'pictures')!
      expect(pictures.interval.value).toBe(0)
      expect(results.sentences.join(' ')).toContain('cannot be told')
      const tables = readFileSync(join(whole, 'paper.md'), 'utf8')
      expect(tables).toMatch(/\| twin-ar \| own \| 1 \| 1 \| [\d.]+ % \| [\d.]+ % \|/)
      expect(tables).toContain('| twin-discrete | other | 1 | 1 |')
    },
    LONG,
  )

  test(
    'the tests of alignment: stopped within the stage, behind finished runs, it gives the same bytes',
    async () => {
      const weights = join(root, 'with codes')
      cpSync(join(root, 'twin-ar'), join(weights, '1', 'twin-ar'), { recursive: true })
      await writeRandomDiscreteTwin(join(weights, '1'), join(root, 'twin-ar'))
      const tested = {
        ...options,
        weights,
        plan: {
          ...plan,
          arms: PAPER_PLAN.arms.filter(({ name }) => name === 'twin-ar' || name === 'twin-discrete'),
          otherMask: [],
          captions: [3],
          alignedFirst: [3],
        },
      }
      const whole = join(root, 'tests whole')
      const { runs, causes } = await runPaper({ ...tested, out: whole })
      const of = (arm: string, condition: string) =>
        runs.find((run) => run.arm === arm && run.condition === condition)!
      for (const arm of ['twin-ar', 'twin-discrete']) {
        expect(of(arm, 'captions').model).toBe(of(arm, 'plain').model)
        expect(of(arm, 'aligned-first').model).not.toBe(of(arm, 'plain').model)
        // One pass scores every layer.
        const scored = Object.values(of(arm, 'plain').layers).map(({ hit1 }) => hit1)
        expect(scored).toHaveLength(3)
        expect(scored.every((hit1) => hit1 !== undefined && hit1 >= 0 && hit1 <= 1)).toBe(true)
        expect(Object.keys(of(arm, 'plain').tuned.remedies)).toEqual(['centred', 'whitened', 'linear'])
      }
      for (const changes of [causes.intervention, causes.substitution])
        expect(changes.map(({ state, gaps }) => [state, gaps.length])).toEqual([
          ['tuned', 1],
          ['untuned', 1],
        ])
      expect(readFileSync(join(whole, 'paper.md'), 'utf8')).toContain(
        'What is left of the gap without pictures?',
      )

      const out = join(root, 'stopped')
      const control = new AbortController()
      const onProgress = ({ label }: { label: string }) => {
        if (label.startsWith('aligning')) control.abort()
      }
      const stopped = runPaper({ ...tested, out, signal: control.signal, onProgress })
      await expect(stopped).rejects.toMatchObject({ code: 'interrupted' })
      await runPaper({ ...tested, out })
      expect(bytes(out)).toBe(bytes(whole))
    },
    LONG,
  )

  test(
    'runs of earlier results stand for those of weights that are not there, and nothing else changes',
    async () => {
      const whole = join(root, 'whole')
      const { runs: all } = await runPaper({ ...options, out: whole })
      const parts = ['twin-ar twin-diffusion', 'twin-ar-discrete twin-discrete'].map((names, i) => {
        const weights = join(root, `weights of part ${i}`)
        for (const arm of names.split(' '))
          cpSync(join(options.weights, '1', arm), join(weights, '1', arm), { recursive: true })
        return { weights, out: join(root, `part ${i}`) }
      })
      for (const part of parts) {
        // Its runs were made before: they need not be made again.
        cpSync(join(whole, 'work', 'runs'), join(part.out, 'work', 'runs'), { recursive: true })
        await runPaper({ ...options, ...part })
      }
      const [first, second] = parts.map(({ out }) => join(out, 'paper.json'))
      const assembled = async (weights: string, records: string[]) => {
        const out = join(root, `assembled ${records.length}`)
        const results = await runPaper({ ...options, weights, records, out })
        const unmarked = bytes(out).replaceAll('"recorded":true', '"recorded":false')
        // The commands for missing models name the folder of the weights.
        expect(unmarked.replaceAll(weights, options.weights)).toBe(bytes(whole))
        return results.runs.map(({ recorded }) => recorded)
      }
      expect(await assembled(join(root, 'absent'), [first!, second!])).toEqual(all.map(() => true))
      const some = await assembled(parts[0]!.weights, [second!])
      expect(some).toEqual(all.map(({ arm }) => arm.endsWith('discrete')))
      const tables = readFileSync(join(root, 'assembled 1', 'paper.md'), 'utf8')
      expect(tables).toContain('from 8 runs; 4 of them were recorded earlier')
    },
    LONG,
  )

  test('earlier results with other settings are refused before anything is made', async () => {
    const records = [join(root, 'whole', 'paper.json')]
    const other = runPaper({ ...options, steps: 2, records, out: join(root, 'other') })
    await expect(other).rejects.toMatchObject({
      code: 'study/other-record',
      message: expect.stringContaining('tuning.steps is 1, here 2'),
    })
  })

  test('without any model of the plan it says how to make one', async () => {
    const nothing = runPaper({ ...options, weights: join(root, 'absent'), out: join(root, 'none') })
    await expect(nothing).rejects.toMatchObject({ code: 'study/no-model', exitCode: 3 })
  })
})
