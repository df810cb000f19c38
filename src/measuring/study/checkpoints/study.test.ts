/**
 * @file A study of a tiny model and a tower on a folder in the layout of MMEB: scored, tuned,
 * scored again, compared; stopped and resumed.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reducedDir } from '../../../../test/golden.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { Embedder } from '../../../models/embedder/embedder.ts'
import { readAnalysis } from '../../analysis/analysis.ts'
import { openRun } from '../../benchmark/run/eval-run.ts'
import { suitesOf } from '../../benchmark/suites/suites.ts'
import { claimFolder } from '../claim.ts'
import { couplesOf } from './comparisons.ts'
import type { CheckpointStudyOptions } from './options.ts'
import { overlapsOf, overlapWords } from './overlap.ts'
import { prepareStudy } from './prepared.ts'
import { type CheckpointStudy, studyCheckpoints } from './study.ts'

const LONG = 300_000

let dir = ''
let options: Omit<CheckpointStudyOptions, 'out'>
const at = (name: string) => join(dir, name)
const mmeb = (part: string) => join(reducedDir('bench-mmeb'), part)
const tune = {
  data: { path: mmeb('train'), subsets: ['A-OKVQA'] },
  steps: 2,
  batch: { size: 2 },
  dev: { share: 0 },
  train: { rank: 2 },
}
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-checkpoints-'))
  const { ar, tower } = await writeRandomTwins(dir)
  writeFileSync(at('page.html'), '<script>"__BIFOCAL_RUNS__"</script>')
  options = {
    models: [ar, tower],
    tasks: await suitesOf([`mmeb:${mmeb('eval')}`], { subsets: ['OK-VQA'] }),
    tune,
    load: { threads: 1 },
    seed: 3,
    command: 'bifocal study',
    page: at('page.html'),
  }
}, LONG)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Path → hash of everything that must not vary. */
function bytesOf(out: string): Record<string, string> {
  const varying = /(^|\/)(run\.json|tuning\.json|metrics\.jsonl|tune\.yaml|README\.md|times\.jsonl)$/
  const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    names
      .filter((name) => /\.\w+$/.test(name) && !varying.test(name) && !name.startsWith('work'))
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(out, name)))
          .digest('hex'),
      ]),
  )
}

describe('two models and a tower', () => {
  let made: CheckpointStudy
  beforeAll(async () => {
    made = await studyCheckpoints({ ...options, out: at('whole') })
  }, LONG)

  test('a run holds the models as they are and tuned; another one holds them as they are', async () => {
    const ids = async (name: string) => (await openRun(join(at('whole'), name))).models.map(({ id }) => id)
    expect(await ids('before')).toEqual(['twin-ar', 'tower'])
    expect(await ids('run')).toEqual(['twin-ar', 'tower', 'twin-ar-tuned'])
    expect(made.run.models[2]).toMatchObject({ label: 'AR twin (tuned)', objective: 'autoregressive' })
  })

  test('last states are compared, a tuned model with itself, p adjusted over all', () => {
    const { comparisons } = made.record
    expect(comparisons.map(({ kind, reference, model }) => `${kind}: ${reference} ${model}`)).toEqual([
      'models: twin-ar-tuned tower',
      'tuning: twin-ar twin-ar-tuned',
      'as they are: twin-ar tower',
    ])
    for (const { p, adjusted, sentence } of comparisons) {
      expect(adjusted).toBeGreaterThanOrEqual(p)
      expect(sentence).toContain('adjusted for 3 comparisons')
    }
    expect(made.record.models[1]!.tuned).toBeNull()
    expect(made.record.models[0]!.tuned).toMatchObject({ updates: 2, folder: 'models/twin-ar-tuned' })
  })

  test('a tuned model opens as an embedder; the analysis lies where the page of the run finds it', async () => {
    const embedder = await Embedder.load(join(at('whole'), 'models', 'twin-ar-tuned'), { threads: 1 })
    await embedder.close()
    const analysis = await readAnalysis(join(at('whole'), 'run', 'analysis.json'))
    expect(analysis.inputs[0]).toEqual({ role: 'run', name: 'run:twin-ar' })
    expect(readFileSync(made.written.page, 'utf8')).toContain('AR twin (tuned)')
  })

  test(
    'stopped three times and resumed: the same bytes',
    async () => {
      for (const stop of ['embedding with Dual', 'tuning AR twin', 'scoring AR twin (tuned)']) {
        const controller = new AbortController()
        const onProgress = ({ label }: { label: string }) => label.startsWith(stop) && controller.abort()
        const { signal } = controller
        const stopped = studyCheckpoints({ ...options, out: at('stopped'), signal, onProgress })
        await expect(stopped).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 })
        expect(existsSync(join(at('stopped'), 'study.json'))).toBe(false)
      }
      await studyCheckpoints({ ...options, out: at('stopped') })
      expect(bytesOf(at('stopped'))).toEqual(bytesOf(at('whole')))
    },
    LONG,
  )

  test('settings of the machine are those of no other study', async () => {
    const study = async (load: object) =>
      (await prepareStudy({ ...options, load, out: at('whole') })).identity
    const more = { threads: 2, memory: 'low' }
    expect(await study(more)).toEqual(await study({ threads: 1 }))
  })

  test('another study in the same folder is refused', async () => {
    const other = studyCheckpoints({ ...options, tune: { ...tune, steps: 3 }, out: at('whole') })
    await expect(other).rejects.toMatchObject({ code: 'study/other-run' })
  })
})

test('tunings without pairs are refused before any model is opened', async () => {
  const study = studyCheckpoints({
    ...options,
    models: ['no-such-model'],
    tune: { steps: 2 },
    out: at('none'),
  })
  await expect(study).rejects.toMatchObject({ code: 'study/no-pairs', exitCode: 2 })
  expect(existsSync(at('none'))).toBe(false)
})

test('rows that are training pairs too are found, in either direction, whatever the instruction', async () => {
  const pair = (query: string, target: string) => JSON.stringify({ query, target })
  const rows = ['a', 'b', 'c', 'd'].map((name) => pair(`question ${name}`, `answer ${name}`))
  writeFileSync(at('rows.jsonl'), rows.join('\n'))
  const training = [rows[0], pair('answer b', 'question b'), pair('question c', 'another answer')]
  writeFileSync(at('training.jsonl'), training.join('\n'))
  const tasks = await suitesOf([at('rows.jsonl')], { kind: 'vqa', instruction: 'Answer.' })
  const overlaps = await overlapsOf([{ path: at('training.jsonl') }], { tasks })
  expect(overlaps).toEqual({ found: [{ task: 'rows', rows: 2, of: 4 }], looked: 3, pairs: 3 })
  expect(overlapWords(overlaps)).toEqual([
    'rows: 2 of 4 rows are also training pairs: a tuned model has seen their answers',
  ])
})

test('couples: last states, tuned models with themselves, then untuned ones that are left', () => {
  const models = [
    { plain: 0, tuned: 3 },
    { plain: 1, tuned: undefined },
    { plain: 2, tuned: undefined },
  ]
  expect(couplesOf(models).map(({ kind, places }) => `${kind} ${places.join()}`)).toEqual([
    'models 3,1',
    'models 3,2',
    'models 1,2',
    'tuning 0,3',
    'as they are 0,1',
    'as they are 0,2',
  ])
  expect(couplesOf(models.slice(1)).map(({ kind }) => kind)).toEqual(['models'])
})

test('a study whose tuning failed goes on with other tunings, until one has ended', async () => {
  const out = at('claimed')
  mkdirSync(join(out, 'before'), { recursive: true })
  writeFileSync(join(out, 'before/results.json'), '{}')
  mkdirSync(join(out, 'models/a-tuned.work'), { recursive: true })
  const claim = (setting: string, scoring: string) => claimFolder(out, { setting, scoring }, '')
  await claim('first', 'scores')
  await claim('second', 'scores')
  await expect(claim('third', 'other scores')).rejects.toMatchObject({ code: 'study/other-run' })
  mkdirSync(join(out, 'models/a-tuned'))
  await expect(claim('third', 'scores')).rejects.toMatchObject({ code: 'study/other-run' })
})
