/** @file The public API. Everything else may change without notice. */

export type { Device } from './engine/runtime/devices.ts'
export { shipped } from './foundation/files/shipped.ts'
export { BifocalError, InterruptedError } from './foundation/numeric/errors.ts'
export type { Tensor } from './foundation/numeric/tensor.ts'
export type { GivenImage, GivenItem } from './inputs/data/given.ts'
export type { ImageSource, Item, Picture } from './inputs/data/item.ts'
export {
  describePairs,
  type PairsDescription,
  type PairsWarning,
  pairWarnings,
} from './inputs/data/pairs/describe.ts'
export { type OpenPairsOptions, openAllPairs, openPairs } from './inputs/data/pairs/open.ts'
export type { GivenPairs } from './inputs/data/pairs/settings.ts'
export { memorySource, type PairSource } from './inputs/data/pairs/source.ts'
export { type ItemSource, openItems } from './inputs/data/source.ts'
export type { Pair } from './inputs/data/task.ts'
export { decodeImage } from './inputs/media/decode.ts'
export type { RgbImage } from './inputs/media/image.ts'
export { type LeftPair, type MinedFile, mineFile } from './learning/mining/mine.ts'
export type { MineOptions, MiningRules } from './learning/mining/options.ts'
export type { FinishedJob, TuneProgress } from './learning/tuning/job/job.ts'
export type { TuningPlan } from './learning/tuning/job/plan.ts'
export { readTuningRecord } from './learning/tuning/job/record.ts'
export type { TuningRecord } from './learning/tuning/job/record-form.ts'
export { planTune, type TuneOptions, tune } from './learning/tuning/job/tune.ts'
export type { TuneSettings } from './learning/tuning/settings.ts'
export type { Analysis } from './measuring/analysis/analysis.ts'
export { readAnalysis, serializeAnalysis } from './measuring/analysis/analysis.ts'
export { type AnalyzeModelsOptions, analyzeModels } from './measuring/analysis/models.ts'
export { type AnalyzeRunsOptions, analyzeRuns } from './measuring/analysis/runs.ts'
export { type AnalyzeVectorsOptions, analyzeVectors } from './measuring/analysis/vectors.ts'
export { analysisWords } from './measuring/analysis/words.ts'
export {
  type CompareRunsOptions,
  compareRuns,
} from './measuring/benchmark/comparison/compare-runs.ts'
export type { ComparisonReport } from './measuring/benchmark/comparison/report.ts'
export { type Drift, type DriftOptions, measureDrift } from './measuring/benchmark/drift/drift.ts'
export { type ExportOptions, exportRuns } from './measuring/benchmark/export/export.ts'
export { type EvalRun, openRun } from './measuring/benchmark/run/eval-run.ts'
export { type Evaluated, evaluate } from './measuring/benchmark/run/evaluate.ts'
export { type MissedLimit, missedLimits, type ScoreLimit } from './measuring/benchmark/run/limits.ts'
export { type MergeRunsOptions, mergeRuns } from './measuring/benchmark/run/merge.ts'
export type { EvaluateOptions } from './measuring/benchmark/run/options.ts'
export { type EvaluationPlan, planEvaluation } from './measuring/benchmark/run/prepare.ts'
export type { OpenTask, TaskSource } from './measuring/benchmark/suites/suite.ts'
export { type SuiteOptions, suitesOf } from './measuring/benchmark/suites/suites.ts'
export { type ReportOptions, report } from './measuring/report/folder.ts'
export { parseResults, type Results } from './measuring/report/results.ts'
export {
  writeAnalysisReport,
  writeComparisonReport,
  writeRunReport,
  writeTuningReport,
} from './measuring/report/write.ts'
export type { CheckpointStudyOptions } from './measuring/study/checkpoints/options.ts'
export { type CheckpointPlan, planCheckpoints } from './measuring/study/checkpoints/plan.ts'
export type { CheckpointRecord } from './measuring/study/checkpoints/record.ts'
export { type CheckpointStudy, studyCheckpoints } from './measuring/study/checkpoints/study.ts'
export type { StudyOptions } from './measuring/study/options.ts'
export { runStudy, type StudyResult } from './measuring/study/study.ts'
export { verifyGolden } from './measuring/verify/golden.ts'
export type { Adapter } from './models/checkpoint/adapter.ts'
export { readAdapter, writeAdapter } from './models/checkpoint/adapter-folder.ts'
export { type Contract, readContract, writeContract } from './models/embedder/contract.ts'
export { type EmbeddedFile, type EmbedFileOptions, embedFile } from './models/embedder/embed-file.ts'
export { Embedder } from './models/embedder/embedder.ts'
export type { Embeddings, EmbedOptions, SkippedItem } from './models/embedder/embedding.ts'
export { type Estimate, estimateSeconds, type ItemEstimate } from './models/embedder/estimate.ts'
export { verifyContract } from './models/embedder/golden/contract.ts'
export { recordGolden } from './models/embedder/golden/record.ts'
export type { VerifyReport } from './models/embedder/golden/report.ts'
export { type Inspection, inspectModel } from './models/embedder/inspection.ts'
export { type JoinedAdapter, type JoinOptions, mergeAdapters } from './models/embedder/merge/adapters.ts'
export { type MergedModel, type MergeOptions, mergeModel } from './models/embedder/merge/checkpoint.ts'
export { type EmbeddedPart, type EmbedPartOptions, embedPart } from './models/embedder/parts/embed-part.ts'
export { type MergedParts, type MergePartsOptions, mergeParts } from './models/embedder/parts/merge-parts.ts'
export {
  type MeasurePrecisionOptions,
  measurePrecision,
  type Nearness,
  type PrecisionReport,
} from './models/embedder/precision.ts'
export type { PublishedCosines } from './models/embedder/preset.ts'
export { type PresetName, presetNames, presets } from './models/embedder/presets.ts'
export type { LayerName, Pool, Readout } from './models/embedder/readout.ts'
export type { SequenceInputs } from './models/embedder/sequence-inputs.ts'
export { type LoadOptions, openSubject, type Subject } from './models/embedder/subject.ts'
export type { Quantization } from './models/embedder/vectors/quantize.ts'
export { readVectorSet } from './models/embedder/vectors/read.ts'
export type { VectorSet } from './models/embedder/vectors/reading/set.ts'
export type { StoredVectors, VectorStore } from './models/embedder/vectors/store.ts'
export { type Pulled, type PulledFile, type PullOptions, pullModel } from './models/hub/pull.ts'
export { type ResolveOptions, resolveModel } from './models/hub/resolve.ts'
