import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type MadeRunOptions, writeMadeRun } from '../../../test/made-run.ts'
import { emptyAnalysis, serializeAnalysis } from '../analysis/analysis.ts'
import { compareRuns } from '../benchmark/comparison/compare-runs.ts'
import { type EvalRun, openRun } from '../benchmark/run/eval-run.ts'
import { report } from './folder.ts'
import { runPageOf } from './runs/page.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bifocal-runs-'))
})

async function made(name: string, options: MadeRunOptions = {}): Promise<EvalRun> {
  const path = join(folder, name)
  await writeMadeRun(path, { rows: 60, ...options })
  return await openRun(path)
}

const few = { resamples: 200, umapModels: 0 }
const umap = { ...few, umapModels: 1, umapItems: 60 }

describe('the data of the page of runs', () => {
  test('is the same for the same runs', async () => {
    const run = await made('same')
    expect(JSON.stringify(await runPageOf([run], umap))).toBe(JSON.stringify(await runPageOf([run], umap)))
  })

  test('says which model is better where the interval of the difference excludes zero', async () => {
    const { verdict } = await runPageOf([await made('apart')], few)
    expect(verdict.interval.low).toBeGreaterThan(0)
    expect(verdict.sentence).toMatch(
      /^The good model finds more than The poor model: \+\d+\.\d points of hit@1/,
    )
  })

  test('says that two models cannot be told apart where it holds zero', async () => {
    const run = await made('alike', { models: { one: 0.5, other: 0.5 }, rows: 24 })
    const { verdict, flips } = await runPageOf([run], few)
    expect(verdict.interval.low).toBeLessThan(0)
    expect(verdict.interval.high).toBeGreaterThan(0)
    expect(verdict.sentence).toContain('cannot tell The one model from The other model')
    expect(verdict.sentence).not.toMatch(/finds more|better/)
    for (const { queries, both, onlyA, onlyB, neither } of flips)
      expect(both + onlyA + onlyB + neither).toBe(queries)
  })

  test('of one model the difference is to a blind guess', async () => {
    const run = await made('alone', { models: { good: 0.8 } })
    const { verdict, flips, differences } = await runPageOf([run], few)
    expect(verdict.quantity).toBe('The good model − a blind guess, hit@1 in the mean of 2 tasks')
    expect(verdict.b.model).toBeNull()
    expect([flips, differences]).toEqual([[], []])
  })

  test('of three models the best one is compared, at a level for all comparisons', async () => {
    const run = await made('three', { models: { poor: 0.3, good: 0.9, middle: 0.6 } })
    const { verdict, models } = await runPageOf([run], few)
    expect(models.map(({ id }) => id)).toEqual(['good', 'middle', 'poor'])
    expect(verdict.caveats.join(' ')).toContain('These tasks tell it from The middle model, The poor model')
  })

  test('hits and nearest answers are those of the scores, row by row', async () => {
    const run = await made('rows')
    const { explorer } = await runPageOf([run], few)
    const scores = await run.scores('poor')
    const rows = scores.tasks.flatMap(({ rows }) => rows)
    const poor = explorer.models.findIndex(({ id }) => id === 'poor')
    expect(explorer.rows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    expect(explorer.models[poor]!.hits).toEqual(rows.map(({ hit1 }) => hit1))
    const wrong = rows.findIndex(({ hit1 }) => hit1 === 0)
    const { candidates } = (await run.task('poor', scores.tasks[0]!.task)).test[wrong]!
    expect(candidates[rows[wrong]!.best]!.key).toBe(rows[wrong]!.predicted)
    expect(explorer.models[poor]!.nearest[wrong]).not.toBe(explorer.rows[wrong]!.gold)
  })

  test('more rows than fit are drawn evenly over tasks', async () => {
    const { explorer } = await runPageOf([await made('many')], { ...few, rows: 40 })
    expect(explorer.measured).toBe(120)
    expect([0, 1].map((task) => explorer.rows.filter((row) => row.task === task).length)).toEqual([20, 20])
  })

  test('a model whose vectors are gone has answers and no map', async () => {
    const run = await made('gone')
    const { explorer } = await runPageOf([{ ...run, vectors: async () => undefined }], few)
    expect(explorer.models[0]!.layouts).toEqual([])
    expect(explorer.models[0]!.hits).toHaveLength(120)
  })

  test('two runs with the same rows share their tasks, other rows make another task', async () => {
    const [a, b] = [await made('run-a'), await made('run-b', { models: { third: 0.6 } })]
    const together = await runPageOf([a, b], few)
    expect(together.tasks.map(({ name }) => name)).toEqual(['naming', 'asking'])
    expect(together.models.map(({ id }) => id)).toHaveLength(3)
    const c = await made('run-c', { models: { good: 0.6 }, rows: 30 })
    const apart = await runPageOf([a, c], few)
    expect(apart.tasks.map(({ name }) => name)).toContain('naming (run-c)')
    expect(apart.models.map(({ id }) => id)).toContain('good (run-c)')
    expect(apart.notes.join(' ')).toContain('naming has other rows in run-c')
  })
})

describe('the page of a run and a comparison of its models', () => {
  test.each([
    [{ good: 0.8, poor: 0.5 }, 60],
    // All queries, and none, which no resample varies.
    [{ good: 1, poor: 0 }, 5],
  ])('%o: the same differences, tests and detectable differences', async (models, rows) => {
    const run = await made(`both-${rows}`, { models, rows })
    const page = await runPageOf([run], few)
    const { pairs } = await compareRuns([`${run.path}:poor`, `${run.path}:good`], { resamples: 200 })
    const [{ tasks, means }] = [pairs[0]!]
    const onPage = (kind: string, task?: string) =>
      page.differences.find(
        ({ scope }) => scope.kind === kind && (!task || ('task' in scope && scope.task === task)),
      )?.interval
    expect(page.verdict.interval).toEqual(means[0]!.difference)
    expect(onPage('all')).toEqual(means[0]!.difference)
    for (const { task, difference, test, detectable } of tasks) {
      expect(onPage('task', task)).toEqual(difference)
      const flips = page.flips.find((one) => one.task === task)
      expect([flips?.p, flips?.adjusted]).toEqual([test?.p, test?.adjusted])
      expect(flips?.detectable).toBe(detectable)
    }
  })
})

test('an analysis beside a run gives its models measures and layer curves', async () => {
  const run = await made('analysed')
  const interval = { value: 0.4, low: 0.3, high: 0.5 }
  const [first] = emptyAnalysis('runs', { seed: 7 }).measures
  const subject = { readout: null, dim: 8, pairs: 9, sampled: 9, clusters: 9 }
  const figures = [null, 0, 1].map((layer) => ({ measure: first!.name, layer, interval }))
  const analysis = {
    ...emptyAnalysis('runs', { seed: 7 }),
    subjects: [
      { ...subject, id: 'poor', label: 'another name', figures },
      { ...subject, id: 'unknown', label: 'no model of the run', figures },
    ],
  }
  await writeFile(join(run.path, 'analysis.json'), serializeAnalysis(analysis))
  const { alignment, measures } = await runPageOf([run], few)
  expect(alignment).toEqual(figures.map((figure) => ({ model: 'poor', ...figure })))
  expect(measures.map(({ name }) => name)).toContain(first!.name)
})

describe('a folder to report on', () => {
  test('that holds nothing known is refused', async () => {
    await expect(report([folder])).rejects.toMatchObject({ code: 'report/unknown-folder' })
    await expect(report([join(folder, 'absent')])).rejects.toMatchObject({ code: 'report/unknown-folder' })
  })

  test('beside others needs a folder for the page, and a known model', async () => {
    const [a, b] = [(await made('out-a')).path, (await made('out-b')).path]
    await expect(report([a, b])).rejects.toMatchObject({ code: 'report/several' })
    await expect(report([`${a}:absent`])).rejects.toMatchObject({ code: 'benchmark/no-model' })
  })
})
