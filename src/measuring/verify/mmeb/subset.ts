/** @file Compares one dataset under one preset. */

import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../../inputs/data/item.ts'
import type { MmebDataset } from '../../../inputs/data/mmeb/dataset.ts'
import type { MmebFolder } from '../../../inputs/data/mmeb/folder.ts'
import { STRAY } from '../../../inputs/data/mmeb/placeholder.ts'
import type { PresetName } from '../../../models/embedder/presets.ts'
import { averagesOf } from '../../benchmark/averages.ts'
import type { PerMetric } from '../../benchmark/metrics.ts'
import type { MmebComparison } from './comparison.ts'
import { type MmebFixture, presetNamed } from './fixture.ts'
import { imageTokenOf, promptOf } from './prompts.ts'
import {
  type DatasetValues,
  embedDataset,
  meansOf,
  metricOf,
  type StoringEmbedder,
  uniqueItems,
  valuesOf,
  vectorsOf,
} from './values.ts'

export interface SubsetSubject {
  readonly preset: PresetName
  readonly name: string
  readonly folder: MmebFolder
  readonly fixture: MmebFixture
  /** Expected vectors by name. */
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly embedder: StoringEmbedder
  readonly comparison: MmebComparison
}

/** Values of a dataset that averages are made of, or that another layout must equal. */
export interface SubsetValues extends DatasetValues {
  readonly dataset: MmebDataset
  readonly means: PerMetric
}

/** Compares everything that the fixture expects of a dataset. */
export async function compareSubset(subject: SubsetSubject): Promise<SubsetValues> {
  const { preset, name, folder, fixture, tensors, embedder, comparison } = subject
  const { tolerance } = fixture
  const dataset = await folder.read(name)
  const path = `presets/${preset}/subsets/${name}`
  const at = (stage: string, own: string, allowed?: number | ((row: number) => number)) => ({
    case: `${preset}, ${name}`,
    stage,
    path: `${path}/${own}`,
    tolerance: allowed,
  })
  compareRows(dataset, path, comparison)
  comparePrompts(dataset, path, comparison)
  const embedded = await embedDataset(embedder, dataset)
  const { queries, candidates } = uniqueItems(embedded.dataset.task)
  for (const [side, items] of Object.entries({ queries, candidates })) {
    const key = `${preset}/${name}/${side}`
    const wanted = tensors.get(key)
    if (wanted !== undefined)
      comparison.recorder.compare(
        { case: `${preset}, ${name}`, stage: 'vectors', key: `tensor ${key}` },
        vectorsOf(items, embedded.vectorOf),
        wanted,
        tolerance.vector,
      )
  }
  const values = await valuesOf(embedded)
  const jpeg = new Set(jpegRows(dataset))
  const cosine = (row: number) => (jpeg.has(row) ? tolerance.cosine_jpeg : tolerance.cosine)
  comparison.compare(at('cosines', 'scores', cosine), values.cosines)
  const { rows } = values.scores
  comparison.compare(
    at('predictions', 'predictions'),
    rows.map(({ best }) => best),
  )
  const means = meansOf(values.scores)
  for (const measure of comparison.below(path)) {
    const metric = metricOf(measure)
    if (means[metric] === undefined) continue
    const exact = measure === 'hit1_published' || measure === 'hit1_strict'
    comparison.compare(
      at('measures', measure, exact ? 0 : tolerance.metric),
      rows.map(({ metrics }) => metrics[metric]!),
    )
  }
  for (const measure of comparison.below(`${path}/mean`))
    comparison.compare(at('means', `mean/${measure}`, tolerance.metric), means[metricOf(measure)])
  const right = rows.filter(({ metrics }) => metrics.firstWins === 1).length
  const json = { acc: means.firstWins, num_correct: right, num_pred: rows.length }
  for (const [key, value] of Object.entries(json))
    comparison.compare(at('score.json', `score_json/${key}`, tolerance.metric), value)
  for (const stray of STRAY)
    if (comparison.below(`${path}/stray/${stray}`).length > 0) await compareStray(subject, stray)
  return { ...values, dataset: embedded.dataset, means }
}

function compareRows(dataset: MmebDataset, path: string, comparison: MmebComparison): void {
  const { name, subset, task, total, unique } = dataset
  const [meta = null, domain = null] = averagesOf(subset)
  const values = {
    meta,
    domain,
    averaged: subset.averaged,
    rows: total,
    list_lengths: task.test.map(({ candidates }) => candidates.length),
    jpeg_rows: jpegRows(dataset),
    'unique/queries': unique.queries,
    'unique/candidates': unique.candidates,
    'unique/candidates_v2': unique.named,
  }
  for (const [key, value] of Object.entries(values)) {
    const stage = key.startsWith('unique/') ? 'unique items' : 'rows'
    comparison.compare({ case: name, stage, path: `${path}/${key}` }, value)
  }
}

/** Rows with a JPEG among their pictures. */
function jpegRows({ task }: MmebDataset): number[] {
  const has = ({ image = [] }: KeyedItem) => image.some(({ jpeg }) => jpeg)
  return task.test.flatMap(({ id, query, candidates }) =>
    has(query) || candidates.some(has) ? [Number(id)] : [],
  )
}

function comparePrompts({ name, task }: MmebDataset, path: string, comparison: MmebComparison): void {
  const [first] = task.test
  for (const spelling of comparison.below(`${path}/prompts`)) {
    const compare = (side: string, items: readonly KeyedItem[]) => {
      const own = `${path}/prompts/${spelling}/${side}`
      comparison.compare(
        { case: `${spelling}, ${name}`, stage: 'prompts', path: own },
        items
          .slice(0, lengthOf(comparison.expected(own)))
          .map((item) => finished(presetNamed(spelling), item)),
      )
    }
    compare(
      'queries',
      task.test.map(({ query }) => query),
    )
    compare('candidates', first?.candidates ?? [])
  }
}

function finished(preset: PresetName, { instruction, text, image = [] }: KeyedItem): string {
  return promptOf(preset, { instruction, text, pictures: image.length })
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}

/** The published readings of a placeholder in a text without a picture. */
async function compareStray(
  { preset, name, folder, fixture, embedder, comparison }: SubsetSubject,
  stray: (typeof STRAY)[number],
): Promise<void> {
  const path = `presets/${preset}/subsets/${name}/stray/${stray}`
  const at = (own: string, tolerance = 0) => ({
    case: `${preset}, ${name}, ${stray}`,
    stage: 'stray placeholders',
    path: `${path}/${own}`,
    tolerance,
  })
  const dataset = await folder.read(name, { stray, imageToken: imageTokenOf(preset) })
  comparison.compare(
    at('prompts'),
    dataset.task.test
      .slice(0, lengthOf(comparison.expected(`${path}/prompts`)))
      .map(({ query }) => finished(preset, query)),
  )
  const { scores } = await valuesOf(await embedDataset(embedder, dataset))
  comparison.compare(
    at('predictions'),
    scores.rows.map(({ best }) => best),
  )
  const means = meansOf(scores)
  for (const measure of comparison.below(`${path}/mean`))
    comparison.compare(at(`mean/${measure}`, fixture.tolerance.metric), means[metricOf(measure)])
}
