/** @file Models of a finished run, from their stored vectors. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeMadeRun } from '../../../test/made-run.ts'
import { serializeAnalysis } from './analysis.ts'
import { analyzeRuns } from './runs.ts'
import { analysisWords } from './words.ts'

let dir = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-analysed-run-'))
  await writeMadeRun(join(dir, 'run'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const options = { resamples: 20, limit: 100, remedies: false }

test('pairs of a picture and a text are measured for each model; two models predict nothing', async () => {
  const analysis = await analyzeRuns({ runs: [join(dir, 'run')], ...options })
  expect(analysis.subjects.map(({ id }) => id)).toEqual(['good', 'poor'])
  const recall = (at: number) =>
    analysis.subjects[at]!.figures.find(({ measure }) => measure === 'recallImageToText')!.interval.value
  expect(recall(0)).toBeGreaterThan(recall(1))
  expect(analysis.prediction!.models.map(({ score }) => score)).toEqual(
    [...analysis.prediction!.models.map(({ score }) => score)].sort((a, b) => b - a),
  )
  expect(new Set(analysis.prediction!.rows.map(({ verdict }) => verdict))).toEqual(
    new Set(['cannot-be-told']),
  )
  expect(serializeAnalysis(analysis)).toContain('"kind": "runs"')
  expect(analysisWords(analysis)).toMatch(
    /Which measure ranks models as hit@1, mean over \d tasks? does\n {2}cannot be told from 2 models: 5 /,
  )
})

test('a model is named as RUN:MODEL; alone it has no prediction', async () => {
  const { subjects, prediction } = await analyzeRuns({ runs: [`${join(dir, 'run')}:poor`], ...options })
  expect(subjects.map(({ id }) => id)).toEqual(['poor'])
  expect(prediction).toBeNull()
})

test('a folder that is no run, and a model that is not in it, are refused', async () => {
  await expect(analyzeRuns({ runs: [dir] })).rejects.toMatchObject({ code: 'benchmark/run' })
  await expect(analyzeRuns({ runs: [`${join(dir, 'run')}:best`] })).rejects.toMatchObject({
    code: 'benchmark/no-model',
  })
})

test('tasks of one name with other rows are not scored together', async () => {
  await writeMadeRun(join(dir, 'longer'), { rows: 14 })
  const runs = [join(dir, 'run'), join(dir, 'longer')]
  await expect(analyzeRuns({ runs, ...options })).rejects.toMatchObject({
    code: 'usage/arguments',
    message: 'no task was scored on the same rows for all of these models',
  })
})

test('a model that stands in two runs counts once, and that is said', async () => {
  await writeMadeRun(join(dir, 'again'))
  const { subjects, notes } = await analyzeRuns({ runs: [join(dir, 'run'), join(dir, 'again')], ...options })
  expect(subjects.map(({ id }) => id)).toEqual(['run:good', 'run:poor'])
  expect(notes[0]).toBe('again:good is the model of run:good again: it is left out')
})

test('remedies are scored on the stored vectors', async () => {
  const { remedies, notes } = await analyzeRuns({
    runs: [`${join(dir, 'run')}:poor`],
    ...options,
    remedies: true,
  })
  expect(remedies.length + notes.length).toBe(1)
})
