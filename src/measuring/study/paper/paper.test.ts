import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { type PaperOptions, runPaper } from './paper.ts'
import { PAPER_PLAN, type PaperPlan, runId, runsOf } from './plan.ts'
import { hitsOf, valuesOf } from './record.ts'

const LONG = 600_000

test('the plan: 36 tunings under the own mask, 12 under the other, a curve of five shares', () => {
  const runs = runsOf(PAPER_PLAN)
  const count = (accepts: (run: (typeof runs)[number]) => boolean) => runs.filter(accepts).length
  expect(count(({ mask, share }) => mask === 'native' && share === 1)).toBe(36)
  expect(count(({ mask }) => mask === 'other')).toBe(12)
  expect(count(({ share }) => share < 1)).toBe(20)
  expect(runsOf(PAPER_PLAN, { extras: true })).toHaveLength(68 + 12 + 24)
  expect(new Set(runsOf(PAPER_PLAN, { extras: true }).map(runId)).size).toBe(68 + 12 + 24)
})

test('hits are kept exactly: digits, or numbers where ties count in parts', () => {
  for (const values of [
    [0, 1, 1, 0],
    [0, 0.5, 1],
  ])
    expect(valuesOf(hitsOf(values.map((hit1) => ({ hit1 }))))).toEqual(values)
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
    'runs with what is there, says what is missing, and stopped twice it gives the same bytes',
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

      const out = join(root, 'stopped')
      for (const stopAt of [1, 5]) {
        const control = new AbortController()
        const onProgress = ({ label, done }: { label: string; done: number }) => {
          if (label === 'runs of the plan' && done === stopAt) control.abort()
        }
        await expect(runPaper({ ...options, out, signal: control.signal, onProgress })).rejects.toMatchObject(
          { code: 'interrupted' },
        )
      }
      await runPaper({ ...options, out })
      expect(bytes(out)).toBe(bytes(whole))
    },
    LONG,
  )

  test('without any model of the plan it says how to make one', async () => {
    const nothing = runPaper({ ...options, weights: join(root, 'absent'), out: join(root, 'none') })
    await expect(nothing).rejects.toMatchObject({ code: 'study/no-model', exitCode: 3 })
  })
})
