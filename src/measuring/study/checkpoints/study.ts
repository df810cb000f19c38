/**
 * @file The paper's design on any checkpoints and tasks: score the models as they are, tune them on
 * the same pairs, score them again, compare, analyse, report. `eval`, `tune`, `compare` and
 * `analyze` do the work; a stopped study goes on where it was.
 */

import { join } from 'node:path'
import { canonicalJson } from '../../../foundation/files/canonical-json.ts'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import { lockAlone } from '../../../foundation/files/lock.ts'
import { runJob } from '../../../learning/tuning/job/job.ts'
import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import { type Analysis, serializeAnalysis } from '../../analysis/analysis.ts'
import { analyzeRuns } from '../../analysis/runs.ts'
import { compareRuns } from '../../benchmark/comparison/compare-runs.ts'
import type { ComparisonReport } from '../../benchmark/comparison/report.ts'
import { writeComparison } from '../../benchmark/comparison/write.ts'
import { baselineContestants, type Contestant, modelContestants } from '../../benchmark/run/contestant.ts'
import type { EvalRun } from '../../benchmark/run/eval-run.ts'
import { evaluate } from '../../benchmark/run/evaluate.ts'
import { DEFAULT_SEED } from '../../benchmark/run/options.ts'
import { writeComparisonReport, writeRunReport } from '../../report/write.ts'
import { claimFolder } from '../claim.ts'
import { comparisonsOf, couplesOf } from './comparisons.ts'
import { type CheckpointStudyOptions, checkCheckpointOptions } from './options.ts'
import { type Overlaps, overlapsOf, overlapWords } from './overlap.ts'
import { type Checkpoint, prepareStudy, runOptionsOf, studyFiles } from './prepared.ts'
import { type CheckpointRecord, checkpointRecordSchema } from './record.ts'

export interface CheckpointStudy {
  readonly record: CheckpointRecord
  /** All models, as they are and tuned. */
  readonly run: EvalRun
  /** Undefined for a study of one model as it is. */
  readonly comparison: ComparisonReport | undefined
  readonly analysis: Analysis
  /** Paths of what was written. */
  readonly written: { readonly page: string; readonly record: string }
}

/**
 * Scores models as they are (`OUT/before`), tunes each one on the same pairs (`OUT/models`), scores
 * all of them together (`OUT/run`, a run that `compare`, `report`, `analyze` and `export` take),
 * compares them (`OUT/comparison`), analyses them (`OUT/run/analysis.json`), and writes the page.
 * The same options give the same bytes, stopped and resumed or not.
 * @throws UsageError `usage/option`, `usage/arguments`; StudyError `study/no-pairs`,
 *   `study/other-run`; FileError `file/in-use` while another study writes to the folder;
 *   InterruptedError with everything computed kept; as `evaluate`, `tune`, `compareRuns` and
 *   `analyzeRuns`
 * @example
 * const tasks = await suitesOf(['mmeb:MMEB-eval'])
 * await studyCheckpoints({ out: 'out', models, tasks, tune: { data: 'MMEB-train', steps: 500 } })
 */
export async function studyCheckpoints(options: CheckpointStudyOptions): Promise<CheckpointStudy> {
  checkCheckpointOptions('studyCheckpoints', options)
  const { out, command = '' } = options
  const lock = await lockAlone(join(out, 'work'))
  try {
    const { checkpoints, identity } = await prepareStudy(options)
    await claimFolder(out, identity, command)
    return await studied(checkpoints, options)
  } finally {
    await lock.release()
  }
}

async function studied(
  checkpoints: readonly Checkpoint[],
  options: CheckpointStudyOptions,
): Promise<CheckpointStudy> {
  const { out, warn } = options
  const plain = checkpoints.map(({ contestant }) => contestant)
  const first = checkpoints.find(({ tuning }) => tuning !== undefined)
  const runOptions = runOptionsOf(options)
  let overlaps: Overlaps | undefined
  if (first?.tuning !== undefined) {
    overlaps = await overlapsOf(first.tuning.settings.data, options)
    for (const words of overlapWords(overlaps)) warn?.(words)
    await evaluate({ ...runOptions, contestants: plain, out: join(out, studyFiles.before) })
  }
  const tunings = await tunedAll(checkpoints, options)
  const tuned = await tunedContestants(checkpoints, options)
  const last = checkpoints.map(({ contestant }) => tuned.get(contestant.model.id) ?? contestant)
  const { baselines = [], seed = DEFAULT_SEED } = options
  const beside = baselineContestants(baselines, last, seed)
  const { run } = await evaluate({
    ...runOptions,
    contestants: [...plain, ...tuned.values(), ...beside],
    out: join(out, studyFiles.run),
  })
  // Only a shard has no run.
  const whole = run!
  const compared = await comparisonOf(checkpoints, tuned, options)
  const analysis = await analysisOf([...plain, ...tuned.values()], options)
  const record: CheckpointRecord = {
    version: 1,
    kind: 'checkpoints',
    command: options.command ?? '',
    models: checkpoints.map(({ contestant: { model } }) => {
      const own = tunings.get(model.id)
      return {
        id: model.id,
        label: model.label,
        tuned: own === undefined ? null : tunedFacts(tuned.get(model.id)!, own),
      }
    }),
    tasks: whole.tasks.map(({ name }) => name),
    overlaps: overlaps === undefined ? null : { ...overlaps, found: [...overlaps.found] },
    comparisons: compared?.comparisons ?? [],
  }
  const path = join(out, studyFiles.record)
  await writeFileAtomic(path, canonicalJson(checkpointRecordSchema.parse(record)))
  const page = await writeRunReport([whole], out, { page: options.page })
  return { record, run: whole, comparison: compared?.report, analysis, written: { page, record: path } }
}

/** Tunes the models one after another. @returns their records by the ids of the models */
async function tunedAll(
  checkpoints: readonly Checkpoint[],
  { signal, warn, onProgress }: CheckpointStudyOptions,
): Promise<ReadonlyMap<string, TuningRecord>> {
  const records = new Map<string, TuningRecord>()
  for (const { contestant, tuning } of checkpoints) {
    if (tuning === undefined) continue
    const { id, label } = contestant.model
    const { record } = await runJob(tuning.settings, {
      signal,
      warn,
      onProgress: ({ done, total, note }) => onProgress?.({ label: `tuning ${label}`, done, total, note }),
    })
    records.set(id, record)
  }
  return records
}

/** The tuned models by the ids of the models that they come from; their folders say how to read. */
async function tunedContestants(
  checkpoints: readonly Checkpoint[],
  { load = {}, signal, warn }: CheckpointStudyOptions,
): Promise<ReadonlyMap<string, Contestant>> {
  const tunable = checkpoints.flatMap(({ contestant, tuning }) =>
    tuning === undefined ? [] : [{ model: contestant.model, folder: tuning.folder }],
  )
  const { device, dtype, threads, memory } = load
  const opened = await modelContestants(
    tunable.map(({ folder }) => folder),
    { device, dtype, threads, memory, signal, warn },
    checkpoints.map(({ contestant }) => contestant.model.id),
  )
  return new Map(
    opened.map((one, i) => {
      const { id, label } = tunable[i]!.model
      return [id, { ...one, model: { ...one.model, label: `${label} (tuned)` } }]
    }),
  )
}

/** Queries that are shown of each kind of flip, task and couple: there may be many couples. */
const FLIPS = 4

async function comparisonOf(
  checkpoints: readonly Checkpoint[],
  tuned: ReadonlyMap<string, Contestant>,
  { out, page, seed = DEFAULT_SEED }: CheckpointStudyOptions,
) {
  const plain = checkpoints.map(({ contestant }) => contestant.model.id)
  const ids = [...plain, ...[...tuned.values()].map(({ model }) => model.id)]
  const couples = couplesOf(
    plain.map((id, place) => {
      const own = tuned.get(id)
      return { plain: place, tuned: own && ids.indexOf(own.model.id) }
    }),
  )
  if (couples.length === 0) return undefined
  const run = join(out, studyFiles.run)
  const report = await compareRuns(
    ids.map((id) => `${run}:${id}`),
    { seed, flips: FLIPS, couples: couples.map(({ places }) => places) },
  )
  const folder = join(out, studyFiles.comparison)
  await writeComparison(report, folder)
  await writeComparisonReport(report, folder, { page })
  return { report, comparisons: comparisonsOf(couples, report.pairs) }
}

async function analysisOf(
  contestants: readonly Contestant[],
  { out, load, signal, onProgress, seed = DEFAULT_SEED }: CheckpointStudyOptions,
): Promise<Analysis> {
  const run = join(out, studyFiles.run)
  const ids = contestants.map(({ model }) => model.id)
  const found = await analyzeRuns({
    runs: ids.map((id) => `${run}:${id}`),
    seed,
    ...(load?.threads !== undefined && { threads: load.threads }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  })
  // Paths of this machine are nobody else's.
  const inputs = ids.map((id) => ({ role: 'run' as const, name: `${studyFiles.run}:${id}` }))
  const analysis = { ...found, inputs }
  await writeFileAtomic(join(run, 'analysis.json'), serializeAnalysis(analysis))
  return analysis
}

function tunedFacts({ model: { id } }: Contestant, record: TuningRecord) {
  return {
    id,
    folder: `${studyFiles.models}/${id}`,
    updates: record.curve.length,
    best: record.best.update,
    pairs: record.data.reduce((sum, { train }) => sum + train, 0),
    parameters: record.trained.parameters,
  }
}
