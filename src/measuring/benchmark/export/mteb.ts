/**
 * @file Results in mteb's form: `OUT/results/MODEL/REVISION/TASK.json`, one file a task, and
 * `model_meta.json` beside them: `ResultCache(OUT)` of mteb reads the folder.
 * @see embeddings-benchmark/mteb, `mteb.results.TaskResult`
 */

import { join } from 'node:path'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import type { RunOperand } from '../comparison/operands.ts'
import { fileName } from '../run/files.ts'

/** mteb's names of our metrics. */
const METRICS: Readonly<Record<string, string>> = {
  hit1: 'hit_rate_at_1',
  hit5: 'hit_rate_at_5',
  hit10: 'hit_rate_at_10',
  recall5: 'recall_at_5',
  recall10: 'recall_at_10',
  mrr: 'mrr',
  map: 'map',
  ndcg5: 'ndcg_at_5',
  ndcg10: 'ndcg_at_10',
}

/** The version of mteb whose form this is. */
const MTEB_VERSION = '2.26.24'

/**
 * Writes the files of one model. The main score is that of the metric that is published for the
 * task: hit@1 for most, nDCG@5 for visual documents.
 * @returns the folder of the files
 * @throws FileError
 */
export async function exportMteb({ run, model, id }: RunOperand, out: string): Promise<string> {
  const revision = (model.fingerprint ?? 'none').slice(0, 40)
  const name = (id.includes('/') ? id : `bifocal/${id}`).replaceAll(':', '-')
  const folder = join(out, 'results', name.replaceAll('/', '__'), revision)
  const write = async (file: string, value: unknown) =>
    await writeFileAtomic(join(folder, `${fileName(file)}.json`), `${JSON.stringify(value, undefined, 2)}\n`)
  for (const { model: own, task, hit1, headline, metrics } of run.results.scores) {
    if (own !== model.id) continue
    const renamed = Object.entries(METRICS).flatMap(([metric, called]): [string, number][] => {
      const value = metric === 'hit1' ? hit1.value : metrics[metric]
      return value === undefined ? [] : [[called, value]]
    })
    const scores = {
      ...Object.fromEntries(renamed),
      accuracy: hit1.value,
      hit_rate_at_1_ci_low: hit1.low,
      hit_rate_at_1_ci_high: hit1.high,
      main_score: headline.value,
      main_score_ci_low: headline.low,
      main_score_ci_high: headline.high,
      hf_subset: 'default',
      languages: ['eng-Latn'],
    }
    await write(task, {
      dataset_revision: run.tasks.find((one) => one.name === task)?.hash ?? 'unknown',
      task_name: task,
      mteb_version: MTEB_VERSION,
      scores: { test: [scores] },
      evaluation_time: 0,
      kg_co2_emissions: null,
    })
  }
  await write('model_meta', {
    loader: null,
    name,
    revision,
    release_date: null,
    languages: ['eng-Latn'],
    n_parameters: model.parameters,
    memory_usage_mb: null,
    max_tokens: null,
    embed_dim: null,
    license: null,
    open_weights: null,
    public_training_code: null,
    public_training_data: null,
    framework: [],
    reference: null,
    similarity_fn_name: 'cosine',
    use_instructions: true,
    training_datasets: null,
    modalities: ['image', 'text'],
  })
  return folder
}
