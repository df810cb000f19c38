/** @file A run that was written is read as it was; folders that are none are refused. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeMadeRun } from '../../../../test/made-run.ts'
import { evaluateTask } from '../evaluate.ts'
import { itemsOf } from '../task.ts'
import { openRun } from './eval-run.ts'

let dir = ''
let made: Awaited<ReturnType<typeof writeMadeRun>>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-run-'))
  made = await writeMadeRun(join(dir, 'run'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

test('stored vectors and rows give the scores of the run again', async () => {
  const run = await openRun(join(dir, 'run'))
  for (const model of made.models) {
    const vectors = await run.vectors(model)
    for (const scored of (await run.scores(model)).tasks) {
      const task = await run.task(model, scored.task)
      const found = await vectors!.all(itemsOf([task], 'test').map(({ key }) => key))
      expect(await evaluateTask(task, (key) => found.get(key)![0]!)).toEqual(scored)
    }
  }
})

test('what pages show stands under the ids of the rows, each picture once', async () => {
  const { rows, pictures, instruction } = await (await openRun(join(dir, 'run'))).shown('naming')
  expect(instruction).toBe('Name the thing in naming')
  expect(rows.map(({ id }) => id)).toEqual(made.tasks[0]!.test.map(({ id }) => id))
  expect(pictures).toHaveLength(6)
})

test.each([
  ['a folder that is not there', 'absent', {}, 'benchmark/run'],
  ['a study', 'study', { 'work/study.json': '{}' }, 'benchmark/run'],
  ['a run that is not finished', 'half', { 'eval.json': '{}' }, 'benchmark/run'],
  [
    'another version',
    'other',
    { 'eval.json': '{}', 'results.json': '{"schemaVersion":9}' },
    'benchmark/run-version',
  ],
  ['results that are cut off', 'cut', { 'eval.json': '{}', 'results.json': '{"sche' }, 'file/json'],
])('%s is refused', async (_, name, files, code) => {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, 'work'), { recursive: true })
    writeFileSync(join(dir, name, file), text)
  }
  await expect(openRun(join(dir, name))).rejects.toMatchObject({
    code,
    exitCode: code.startsWith('file') ? 3 : 2,
  })
})

test('models and tasks that the run does not have are refused with those that it has', async () => {
  const run = await openRun(join(dir, 'run'))
  await expect(run.scores('best')).rejects.toMatchObject({
    code: 'benchmark/no-model',
    message: expect.stringContaining('good, poor'),
  })
  await expect(run.shown('counting')).rejects.toMatchObject({
    code: 'benchmark/no-task',
    message: expect.stringContaining('naming, asking'),
  })
})
