/**
 * @file A whole study of tiny random models: results, report folder, equal bytes with and without
 * interruptions.
 */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { lockAlone } from '../../foundation/files/lock.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { openRun } from '../benchmark/run/eval-run.ts'
import { parseResults, type Results } from '../report/results.ts'
import type { StudyOptions } from './options.ts'
import { runStudy } from './study.ts'

/** A study loads the pictures and opens a dozen sessions; a busy machine takes its time. */
const LONG = 600_000

let dir = ''
let options: Omit<StudyOptions, 'out'>
let page = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-study-'))
  const { ar, diffusion, tower } = await writeRandomTwins(dir)
  page = join(dir, 'page.html')
  writeFileSync(page, '<script>"__BIFOCAL_RESULTS__"</script>')
  options = {
    models: [ar, diffusion, tower],
    tasks: ['object-group', 'scene-what', 'scene-t2i', 'cross-style'],
    limits: { train: 80, test: 10, candidates: 8 },
    pairs: 24,
    steps: 4,
    rank: 4,
    controls: true,
    seed: 3,
    page,
  }
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const bytesOf = (out: string) => readFileSync(join(out, 'results.json'), 'utf8')

test('two studies do not write to one folder', async () => {
  const out = join(dir, 'shared')
  const lock = await lockAlone(join(out, 'work'))
  await expect(runStudy({ ...options, out })).rejects.toMatchObject({ code: 'file/in-use', exitCode: 2 })
  await lock.release()
})

describe('a study', () => {
  let results: Results
  const out = () => join(dir, 'whole')
  beforeAll(async () => {
    await runStudy({ ...options, out: out() })
    results = parseResults(JSON.parse(bytesOf(out())))
  }, LONG)

  test('has every model, state and control', () => {
    expect(results.models.map(({ id, role, state }) => `${id} ${role} ${state}`)).toEqual([
      'twin-ar checkpoint untuned',
      'twin-ar-tuned checkpoint tuned',
      'twin-diffusion checkpoint untuned',
      'twin-diffusion-tuned checkpoint tuned',
      'twin-ar-random-causal random-decoder tuned',
      'twin-diffusion-random-bidirectional random-decoder tuned',
      'tower dual-encoder none',
      'pixels pixels none',
      'twin-ar-shuffled shuffled none',
      'twin-diffusion-shuffled shuffled none',
      'majority majority none',
      'chance chance none',
    ])
  })

  test('scores every model on every task, raw pixels on pictures only', () => {
    const scored = (model: string) =>
      results.scores.filter((score) => score.model === model).map(({ task }) => task)
    expect(scored('twin-ar-tuned')).toEqual(['object-group', 'scene-what', 'scene-t2i', 'cross-style'])
    expect(scored('tower')).toHaveLength(4)
    expect(scored('pixels')).toEqual(['cross-style'])
  })

  test('compares the autoregressive model with the diffusion model first', () => {
    expect(results.differences[0]).toMatchObject({ a: 'twin-ar-tuned', b: 'twin-diffusion-tuned' })
    expect(results.finding.sentence).toContain('AR twin')
    const [first] = results.differences.filter(({ scope }) => scope.kind === 'in-domain')
    expect(results.finding.interval).toEqual(first!.interval)
  })

  test('analyses each state, and each layer of the untuned models', () => {
    const layers = results.alignment
      .filter(({ model, measure }) => model === 'twin-ar' && measure === 'matchedAuc')
      .map(({ layer }) => layer)
    expect(layers).toEqual(['inputs', 0, 1, null])
    expect(
      results.alignment.some(({ model, layer }) => model === 'twin-diffusion-tuned' && layer === null),
    ).toBe(true)
    expect(results.maps.map(({ model }) => model)).toEqual([
      'twin-ar',
      'twin-ar-tuned',
      'twin-diffusion',
      'twin-diffusion-tuned',
    ])
    expect(results.maps[0]!.points).toHaveLength(48)
  })

  test('judges every in-domain task and cross-style, tuning and pretraining', () => {
    const names = results.criteria.map(({ name }) => name).join('\n')
    for (const said of ['object-group', 'scene-t2i', 'cross-style', 'random decoder', 'on retrieval'])
      expect(names).toContain(said)
  })

  test('one dev choice is the chosen one, and it is the best', () => {
    for (const { tuning } of results.models) {
      if (tuning === undefined) continue
      const chosen = tuning.devChoices.filter((choice) => choice.chosen)
      expect(chosen).toHaveLength(1)
      expect(chosen[0]!.hit1).toBe(Math.max(...tuning.devChoices.map(({ hit1 }) => hit1)))
      expect(tuning.lossCurve.at(-1)![0]).toBe(4)
    }
  })

  test('a tuned model opens as an embedder and gives unit vectors', async () => {
    const embedder = await Embedder.load(join(out(), 'models', 'twin-ar-tuned'), { threads: 1 })
    const { vectors } = await embedder.embed([{ text: 'a red apple' }])
    expect(vectors.data.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4)
    await embedder.close()
  })

  test('its models are a run that compare and report take: the same hits', async () => {
    const run = await openRun(join(out(), 'run'))
    expect(run.models.map(({ id, role }) => `${id} ${role}`)).toEqual([
      'twin-ar model',
      'twin-ar-tuned model',
      'twin-diffusion model',
      'twin-diffusion-tuned model',
    ])
    for (const { model, task, hit1 } of results.scores) {
      const found = run.results.scores.find((one) => one.model === model && one.task === task)
      if (run.models.some(({ id }) => id === model)) expect(found!.hit1.value).toBe(hit1.value)
    }
    const { rows } = await run.shown('scene-t2i')
    expect(rows.some(({ candidates }) => candidates.length > 0)).toBe(true)
  })

  test(
    'the same again computes nothing and gives the same bytes',
    async () => {
      const before = bytesOf(out())
      const labels = new Set<string>()
      await runStudy({ ...options, out: out(), onProgress: ({ label }) => labels.add(label) })
      expect(bytesOf(out())).toBe(before)
      expect([...labels]).toEqual(['analysing alignment'])
    },
    LONG,
  )

  test(
    'a run stopped again and again ends with the same bytes',
    async () => {
      const stopped = join(dir, 'stopped')
      for (let stops = 1; ; stops++) {
        const controller = new AbortController()
        let events = 0
        // Each round gets further before it is stopped: in a tuning, then among vectors.
        const onProgress = () => ++events === 14 * stops ** 2 && controller.abort()
        const run = runStudy({ ...options, out: stopped, signal: controller.signal, onProgress })
        const ended = await run.then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'interrupted', exitCode: 130 })
            expect(existsSync(join(stopped, 'results.json'))).toBe(false)
            return false
          },
        )
        if (ended) {
          expect(stops).toBeGreaterThan(2)
          break
        }
        expect(stops).toBeLessThan(12)
      }
      expect(bytesOf(stopped)).toBe(bytesOf(out()))
    },
    LONG,
  )
})

test(
  'a study without controls says so',
  async () => {
    const { results } = await runStudy({
      ...options,
      models: options.models?.slice(0, 1),
      tasks: ['object-group'],
      controls: false,
      out: join(dir, 'one'),
    })
    expect(results.models.some(({ role }) => role === 'random-decoder')).toBe(false)
    expect(results.notes.join('\n')).toContain('not run')
    expect(results.finding.sentence).toMatch(/^In this run .* tuning (changes|does not change) the/)
  },
  LONG,
)

test.each([
  ['an absent folder', { models: ['/nowhere'] }, 'embedder/no-model', 3],
  ['a study of nothing', { models: [] }, 'usage/arguments', 2],
  ['an unknown task', { tasks: ['object-lable'] }, 'usage/task-unknown', 2],
  ['tasks without training rows', { tasks: ['held-out-group'] }, 'study/no-pairs', 2],
])('%s is refused', async (_, wrong, code, exitCode) => {
  await expect(runStudy({ ...options, ...wrong, out: join(dir, 'wrong') })).rejects.toMatchObject({
    code,
    exitCode,
  })
})

test('another study does not overwrite the first: it is refused, with a folder to take', async () => {
  const out = join(dir, 'first')
  const one = {
    ...options,
    models: options.models?.slice(0, 1),
    tasks: ['object-group'],
    out,
    tune: false,
  } as const
  await runStudy(one)
  const before = bytesOf(out)
  await expect(runStudy({ ...one, seed: 4 })).rejects.toMatchObject({
    code: 'study/other-run',
    exitCode: 2,
    message: expect.stringContaining('--seed 3'),
    hint: expect.stringContaining(`--out ${out}-2`),
  })
  // Nor a folder of the same name that holds another model.
  const [ar = ''] = options.models ?? []
  const namesake = join(dir, 'elsewhere', basename(ar))
  cpSync(join(dir, 'twin-diffusion'), namesake, { recursive: true })
  await expect(runStudy({ ...one, models: [namesake] })).rejects.toMatchObject({ code: 'study/other-run' })
  expect(bytesOf(out)).toBe(before)
}, 600_000)
