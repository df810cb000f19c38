/**
 * @file VLM2Vec's result files and the submission file of MMEB's leaderboard:
 * `OUT/MODEL/{image,visdoc}/DATASET_{score.json,pred.jsonl}` and `OUT/MODEL/MODEL.json`.
 * @see specs/vlm2vec-mmeb.md §4.5, §9.6; TIGER-AI-Lab/VLM2Vec, experiments/report_score_v2.py
 */

import { join } from 'node:path'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import type { RunOperand } from '../comparison/operands.ts'
import { fileName } from '../run/files.ts'
import { type ScoreObject, scoreObject } from './mmeb-scores.ts'
import { predictionOf, storedItems } from './ranked-lists.ts'

const words = (text: string) => text.trim().split(/\s+/)

/** Datasets of the leaderboard by modality, in its order. */
const DATASETS: Readonly<Record<'image' | 'visdoc' | 'video', readonly string[]>> = {
  image: words(`ImageNet-1K N24News HatefulMemes VOC2007 SUN397 Place365 ImageNet-A ImageNet-R ObjectNet
    Country211 OK-VQA A-OKVQA DocVQA InfographicsVQA ChartQA Visual7W ScienceQA VizWiz GQA TextVQA VisDial
    CIRR VisualNews_t2i VisualNews_i2t MSCOCO_t2i MSCOCO_i2t NIGHTS WebQA FashionIQ Wiki-SS-NQ OVEN EDIS
    MSCOCO RefCOCO RefCOCO-Matching Visual7W-Pointing`),
  visdoc: words(`ViDoRe_arxivqa ViDoRe_docvqa ViDoRe_infovqa ViDoRe_tabfquad ViDoRe_tatdqa
    ViDoRe_shiftproject ViDoRe_syntheticDocQA_artificial_intelligence ViDoRe_syntheticDocQA_energy
    ViDoRe_syntheticDocQA_government_reports ViDoRe_syntheticDocQA_healthcare_industry
    ViDoRe_esg_reports_human_labeled_v2 ViDoRe_biomedical_lectures_v2
    ViDoRe_biomedical_lectures_v2_multilingual ViDoRe_economics_reports_v2
    ViDoRe_economics_reports_v2_multilingual ViDoRe_esg_reports_v2 ViDoRe_esg_reports_v2_multilingual
    VisRAG_ArxivQA VisRAG_ChartQA VisRAG_MP-DocVQA VisRAG_SlideVQA VisRAG_InfoVQA VisRAG_PlotQA
    ViDoSeek-page-fixed ViDoSeek-doc MMLongBench-page-fixed MMLongBench-doc`),
  video: words(`DiDeMo MSR-VTT MSVD VATEX YouCook2 QVHighlight Charades-STA MomentSeeker K700 SmthSmthV2
    HMDB51 UCF101 Breakfast MVBench Video-MME NExTQA EgoSchema ActivityNetQA`),
}

/** Fields of the submission that a run does not know. */
export interface SubmissionFields {
  model_name?: string
  model_backbone?: string
  /** In billions of parameters. */
  model_size?: number
  max_length_tokens?: number
  /** `YYYY-MM-DD`. */
  model_release_date?: string
  url?: string
}

/**
 * Writes the files of one model. Every task of the run gets its score file; the submission names
 * the leaderboard's datasets alone, the absent ones as `FILE_N/A`.
 * @param now `report_generated_date`
 * @returns the submission file, and its datasets that have scores
 * @throws BenchmarkError `benchmark/no-vectors`; FileError
 */
export async function exportMmeb(
  operand: RunOperand,
  out: string,
  { fields = {}, now = new Date() }: { fields?: SubmissionFields; now?: Date } = {},
): Promise<{ submission: string; datasets: string[] }> {
  const { run, model, id } = operand
  const folder = join(out, fileName(id))
  const metrics = new Map<string, ScoreObject>()
  let dim = 0
  for (const { task: name } of (await run.scores(model.id)).tasks) {
    const { test } = await run.task(model.id, name)
    const items = await storedItems(operand, test)
    dim = items.dim
    const predictions = test.map((row) => predictionOf(row, items))
    const scores = scoreObject(predictions)
    metrics.set(name, scores)
    const start = join(folder, DATASETS.visdoc.includes(name) ? 'visdoc' : 'image', fileName(name))
    await writeFileAtomic(`${start}_score.json`, `${JSON.stringify(scores, undefined, 4)}\n`)
    await writeFileAtomic(
      `${start}_pred.jsonl`,
      predictions.map((one) => `${JSON.stringify(one)}\n`).join(''),
    )
  }
  const named = Object.entries(DATASETS).map(([modality, datasets]) => [
    modality,
    Object.fromEntries(datasets.map((dataset) => [dataset, metrics.get(dataset) ?? 'FILE_N/A'])),
  ])
  const name = fields.model_name ?? model.label
  const submission = join(folder, `${fileName(name)}.json`)
  const metadata = {
    model_name: name,
    model_backbone: fields.model_backbone ?? model.family,
    model_size: fields.model_size ?? (model.parameters === null ? null : model.parameters / 1e9),
    embedding_dimension: dim,
    max_length_tokens: fields.max_length_tokens ?? null,
    model_release_date: fields.model_release_date ?? null,
    data_source: 'Self-Reported',
    url: fields.url ?? null,
    report_generated_date: now.toISOString(),
  }
  const json = JSON.stringify({ metadata, metrics: Object.fromEntries(named) }, undefined, 4)
  await writeFileAtomic(submission, `${json}\n`)
  const datasets = Object.values(DATASETS)
    .flat()
    .filter((dataset) => metrics.has(dataset))
  return { submission, datasets }
}
