import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeMadeRun } from '../../../../test/made-run.ts'
import { FORMATS } from '../../../cli/commands/export.ts'
import { openRun } from '../run/eval-run.ts'
import { runFiles } from '../run/files.ts'
import { EXPORT_FORMATS, exportRuns } from './export.ts'
import { scoreObject } from './mmeb-scores.ts'

let root: string
const at = (...parts: string[]) => join(root, ...parts)
const read = (...parts: string[]) => readFileSync(at(...parts), 'utf8')
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-export-'))
  await writeMadeRun(at('run'), { tasks: { GQA: 'vqa', 'naming | things': 'classification' } })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('the command knows all formats', () => expect(FORMATS).toEqual(EXPORT_FORMATS))

describe('tables', () => {
  test('csv: a row for each model and task or mean, numbers as they are', async () => {
    const { text = '' } = await exportRuns([at('run')], { format: 'csv' })
    const [head = '', ...rows] = text.split('\r\n')
    const { scores, means } = (await openRun(at('run'))).results
    expect(rows).toHaveLength(scores.length + means.length)
    const cells = rows[0]!.split(',')
    expect(Number(cells[head.split(',').indexOf('hit1')])).toBe(scores[0]!.hit1.value)
    expect(Number(cells[head.split(',').indexOf('mrr')])).toBe(scores[0]!.metrics.mrr)
    expect(rows.every((row) => row.split(',').length === head.split(',').length)).toBe(true)
  })

  test('markdown: a column for each model; bars in names are escaped', async () => {
    const { text = '' } = await exportRuns([at('run')], { format: 'markdown' })
    expect(text).toContain('| hit@1, % | The good model | The poor model |')
    expect(text).toContain('naming \\| things')
    const { text: mrr = '' } = await exportRuns([at('run')], { format: 'markdown', metric: 'mrr' })
    expect(mrr).toContain('| MRR, % |')
  })

  test('json: to a file', async () => {
    const { written } = await exportRuns([at('run:good')], { format: 'json', out: at('scores.json') })
    expect(written).toEqual([at('scores.json')])
    expect(JSON.parse(read('scores.json'))[0]).toMatchObject({ model: 'good', kind: 'task', name: 'GQA' })
  })
})

describe('mmeb', () => {
  test('score files, predictions and a submission with the published keys', async () => {
    const fields = { model_name: 'Mine', model_release_date: '2026-01-31' }
    await exportRuns([at('run:good')], { format: 'mmeb', out: at('mmeb'), fields })
    const { metadata, metrics } = JSON.parse(read('mmeb', 'good', 'Mine.json'))
    expect(Object.keys(metadata)).toEqual([
      'model_name',
      'model_backbone',
      'model_size',
      'embedding_dimension',
      'max_length_tokens',
      'model_release_date',
      'data_source',
      'url',
      'report_generated_date',
    ])
    expect(metadata).toMatchObject({ model_name: 'Mine', data_source: 'Self-Reported', url: null })
    expect(Object.keys(metrics)).toEqual(['image', 'visdoc', 'video'])
    expect(Object.keys(metrics.image)).toHaveLength(36)
    expect(metrics.image['ImageNet-1K']).toBe('FILE_N/A')
    expect(metrics.image.GQA).toEqual(JSON.parse(read('mmeb', 'good', 'image', 'GQA_score.json')))
    const { scores } = (await openRun(at('run'))).results
    expect(metrics.image.GQA['hit@1']).toBeCloseTo(scores[0]!.metrics.firstWins!, 6)
    expect(metrics.image.GQA).toMatchObject({ num_pred: 12, num_data: 12 })
  })

  test('predictions are whole rankings; the first is the one that the run scored', async () => {
    const lines = read('mmeb', 'good', 'image', 'GQA_pred.jsonl').trimEnd().split('\n')
    const { tasks } = await (await openRun(at('run'))).scores('good')
    expect(lines).toHaveLength(tasks[0]!.rows.length)
    for (const [i, line] of lines.entries()) {
      const { prediction, label, rel_scores } = JSON.parse(line)
      expect(prediction).toHaveLength(6)
      expect(new Set(prediction).size).toBe(6)
      expect(prediction[0] === label[0]).toBe(tasks[0]!.rows[i]!.metrics.firstWins === 1)
      expect(rel_scores).toBeNull()
    }
  })

  // By src/eval_utils/metrics.py of VLM2Vec, computed by hand.
  test('scores of predictions', () => {
    const scores = scoreObject([
      { prediction: ['b', 'a', 'c', 'd'], label: ['a', 'd'], rel_scores: [3, 1] },
      { prediction: ['x', 'y'], label: ['x'], rel_scores: null },
    ])
    const [two, three, five] = [1 / Math.log2(3), 1 / Math.log2(4), 1 / Math.log2(5)]
    expect(three).toBe(0.5)
    const linear = (3 * two + five) / (3 + two)
    const exponential = (7 * two + five) / (7 + two)
    expect(scores['hit@1']).toBe(0.5)
    expect(scores['precision@5']).toBeCloseTo((2 / 5 + 1 / 5) / 2, 12)
    expect(scores['recall@5']).toBe(1)
    expect(scores['f1@5']).toBeCloseTo(((2 * 0.4) / 1.4 + (2 * 0.2) / 1.2) / 2, 12)
    expect(scores['map@5']).toBeCloseTo(((1 / 2 + 2 / 4) / 2 + 1) / 2, 12)
    expect(scores['mrr@5']).toBe(0.75)
    expect(scores['ndcg_linear@5']).toBeCloseTo((linear + 1) / 2, 12)
    expect(scores['ndcg_exponential@5']).toBeCloseTo((exponential + 1) / 2, 12)
    expect(Object.keys(scores)).toHaveLength(26)
  })
})

test('mteb: a file for each task in its folder of model and revision', async () => {
  const { written } = await exportRuns([at('run')], { format: 'mteb', out: at('mteb') })
  const { models, results } = await openRun(at('run'))
  expect(written).toEqual(
    models.map(({ id, fingerprint }) => at('mteb', 'results', `bifocal__${id}`, fingerprint!.slice(0, 40))),
  )
  const result = JSON.parse(readFileSync(join(written[0]!, 'GQA.json'), 'utf8'))
  expect(result).toMatchObject({ task_name: 'GQA', dataset_revision: results.tasks[0]!.hash })
  expect(result.scores.test[0]).toMatchObject({
    main_score: results.scores[0]!.hit1.value,
    hf_subset: 'default',
  })
})

test('mteb: the main score is that of the metric which is published for the task', async () => {
  await writeMadeRun(at('documents'), { tasks: { pages: 'retrieval' } })
  const file = at('documents', runFiles.results)
  const results = JSON.parse(readFileSync(file, 'utf8'))
  results.tasks[0].metric = 'ndcg5'
  for (const score of results.scores) score.headline = { value: score.metrics.ndcg5, low: 0.1, high: 0.9 }
  writeFileSync(file, JSON.stringify(results))
  const { written } = await exportRuns([at('documents:good')], { format: 'mteb', out: at('mteb') })
  const [scores] = JSON.parse(readFileSync(join(written[0]!, 'pages.json'), 'utf8')).scores.test
  const [{ hit1, metrics }] = results.scores
  expect(scores).toMatchObject({
    main_score: metrics.ndcg5,
    main_score_ci_low: 0.1,
    hit_rate_at_1: hit1.value,
  })
  expect(metrics.ndcg5).not.toBe(hit1.value)
})

test('projector: a line and a tile for each item', async () => {
  await exportRuns([at('run:good')], { format: 'projector', out: at('projector') })
  const vectors = read('projector', 'vectors.tsv').trimEnd().split('\n')
  const [head, ...metadata] = read('projector', 'metadata.tsv').trimEnd().split('\n')
  expect(head).toBe('task\tside\tresult\ttext\tkey')
  // 12 queries and 6 words for each of two tasks.
  expect([vectors.length, metadata.length]).toEqual([36, 36])
  expect(metadata.every((line) => line.split('\t').length === 5)).toBe(true)
  const { embeddings } = JSON.parse(read('projector', 'projector_config.json'))
  expect(embeddings[0].tensorShape).toEqual([36, vectors[0]!.split('\t').length])
  const { width, height } = await sharp(at('projector', 'sprite.png')).metadata()
  expect([width, height]).toEqual([384, 384])
  expect(embeddings[0].sprite.singleImageDim).toEqual([64, 64])
})

test('a folder is named; vectors that are gone are told', async () => {
  await expect(exportRuns([at('run')], { format: 'mmeb' })).rejects.toMatchObject({
    code: 'benchmark/export',
  })
  await writeMadeRun(at('bare'))
  for (const store of readdirSync(at('bare', 'vectors')))
    rmSync(at('bare', 'vectors', store), { recursive: true })
  await expect(exportRuns([at('bare')], { format: 'mmeb', out: at('x') })).rejects.toMatchObject({
    code: 'benchmark/no-vectors',
  })
})
