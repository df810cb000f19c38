/**
 * @file The main job: models in, report out. Everything computed is kept in the output folder, so a
 * stopped study goes on.
 */

import { existsSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { readJson, readText, writeFileAtomic } from '../../foundation/files/file.ts'
import { lockAlone } from '../../foundation/files/lock.ts'
import { checkOptions } from '../../foundation/files/options.ts'
import { isShipped } from '../../foundation/files/shipped.ts'
import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { packageVersion } from '../../foundation/files/version.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { sizeOf } from '../../foundation/numeric/tensor.ts'
import { tunableModel } from '../../learning/tuning/tunable.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { CONTRACT_READOUT } from '../../models/embedder/embedding.ts'
import { contentHashOf, fingerprintOf } from '../../models/embedder/fingerprint.ts'
import { fingerprintParts, openSubject, type Subject } from '../../models/embedder/subject.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { checkWeights } from '../../models/families/weights.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { scoresOf } from '../benchmark/choice.ts'
import { captionMaker, captionSubject } from '../benchmark/dual-encoder.ts'
import { pixels, pixelsApply } from '../benchmark/pixels.ts'
import { itemsOf } from '../benchmark/task.ts'
import { machineFacts } from '../report/machine.ts'
import type { Results } from '../report/results.ts'
import type { StudyRun } from '../report/run.ts'
import { type WrittenReport, writeReport } from '../report/write.ts'
import { assemble } from './assemble.ts'
import { StudyError } from './errors.ts'
import { estimateWords } from './estimate.ts'
import { idsOf, labelOf, type VisionLanguageSubject } from './names.ts'
import { commandOf, type StudyOptions, type StudySetting, settingOf, studyOptionSchemas } from './options.ts'
import { otherSeeds } from './other-seeds.ts'
import { type Baseline, comparedPair, type Outcome, type Studied } from './outcome.ts'
import { runWithControl } from './participant.ts'
import { Phases } from './phases.ts'
import { contentHash, pairVectors, type StudyContext, stored } from './state.ts'
import { studyWorld } from './world.ts'

export interface StudyResult {
  results: Results
  run: StudyRun
  /** Paths of the files that were written. */
  written: WrittenReport
}

/** A model that was opened, before anything is computed. */
interface PlannedModel {
  id: string
  subject: Subject
  /** Of all that decides its vectors. */
  fingerprint: string
}

/**
 * Tunes, scores, analyses and reports. The same setting gives the same `results.json`, stopped and
 * resumed or not.
 * @example const { written } = await runStudy({ out: 'out' })
 * @throws UsageError `usage/option`; StudyError `study/no-pairs`, `study/other-run`; TuningError
 *   `tuning/adapted`; FileError `file/in-use` while another study writes to the folder;
 *   InterruptedError with everything computed kept; as `Embedder.load` for the models
 */
export async function runStudy(options: StudyOptions): Promise<StudyResult> {
  checkOptions('runStudy', studyOptionSchemas, options, ['out'])
  const startedAt = new Date().toISOString()
  const setting = settingOf(options)
  const planned = await plan(setting, options)
  const command = commandOf(options, setting)
  const lock = await lockAlone(join(options.out, 'work'))
  try {
    await removeAbandoned(options.out, { recursive: true })
    const version = await packageVersion()
    const phases = new Phases()
    const world = await phases.time('tasks', () => studyWorld(setting))
    await claimFolder(options.out, identityOf(planned, setting), command)
    if (options.onEstimate !== undefined) {
      const subjects = planned.map(({ subject }) => subject)
      const words = await estimateWords(subjects, world, setting)
      if (words !== undefined) options.onEstimate(words)
    }
    const results = await resultsOf(planned, command, { setting, world, phases, options, version })
    const run = runOf({ startedAt, version, phases, setting }, options)
    return { results, run, written: await writeReport(results, run, options.out, { page: options.page }) }
  } finally {
    await lock.release()
  }
}

/** Names everything that decides the results: the models by their weights, wherever they lie. */
function identityOf(planned: readonly PlannedModel[], { models: _, ...setting }: StudySetting): string {
  return contentHash({ ...setting, models: planned.map(({ fingerprint }) => fingerprint) })
}

const claimSchema = z.object({ setting: z.string(), command: z.string() })

/**
 * One folder is for one study: a second one with other models or settings would replace the first
 * one's report and tuned models. A study that left neither gives its folder up.
 * @throws StudyError `study/other-run`
 */
async function claimFolder(out: string, own: string, command: string): Promise<void> {
  const file = join(out, 'work', 'study.json')
  const claim = existsSync(file) ? await readJson(file, claimSchema) : undefined
  const kept = ['results.json', 'models'].some((name) => existsSync(join(out, name)))
  if (claim !== undefined && kept && claim.setting !== own) {
    throw new StudyError('other-run', {
      message: `${out} holds another study: ${claim.command}`,
      hint: `Give this one a folder of its own, --out ${out}-2 say, or remove ${out}.`,
    })
  }
  await writeFileAtomic(file, `${JSON.stringify({ setting: own, command })}\n`)
}

async function resultsOf(
  planned: readonly PlannedModel[],
  command: string,
  context: StudyContext,
): Promise<Results> {
  const { setting, world, phases, options } = context
  const decoders = planned.flatMap(({ id, subject }) => (isVisionLanguage(subject) ? [{ id, subject }] : []))
  // Side by side, with so many threads each as the setting says: the same bytes on any number of
  // cores.
  const runs = await together(decoders, (model) => runWithControl(model, context))
  const studied = await Promise.all(
    runs.map(async ({ participant, control }): Promise<Studied> => {
      const { id, subject } = participant
      const { contract, checkpoint } = subject.encoder
      return {
        participant,
        control,
        role: isShipped(checkpoint.dir) && subject.adapter === undefined ? 'twin' : 'checkpoint',
        objective: contract.objective ?? subject.model.objective,
        label: labelOf(id),
        card: await cardOf(subject.dir),
      }
    }),
  )
  const baselines = await baselinesOf(planned, decoders.length === 0, context)
  const measured = { studied, baselines }
  const compared = comparedPair(measured)?.flatMap(({ hash, state }) =>
    state === 'tuned' && hash !== null ? [hash] : [],
  )
  const outcome: Outcome = {
    setting,
    command,
    world,
    ...measured,
    otherSeeds: compared?.length === 2 ? await otherSeeds(compared, setting) : [],
  }
  const { signal, onProgress } = options
  return await phases.time('analysis', () => assemble(outcome, { seed: setting.seed, signal, onProgress }))
}

function isVisionLanguage(subject: Subject): subject is VisionLanguageSubject {
  return subject.model.kind === 'vision-language'
}

/**
 * Starts all at once; the first failure is thrown when all have ended, so that each has saved its
 * state.
 */
async function together<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(work))
  return settled.map((one) => {
    if (one.status === 'fulfilled') return one.value
    throw one.reason
  })
}

/**
 * Opens all models before anything is computed, one after another: models that are known by their
 * name on the hub are fetched, a folder that lacks weights is told at once.
 */
async function plan(
  { models, tune, device, dtype, threads }: StudySetting,
  { signal, onProgress, warn }: StudyOptions,
): Promise<PlannedModel[]> {
  if (models.length === 0) {
    throw new UsageError('arguments', {
      message: 'a study of no models',
      hint: 'Name models (--models); without any the shipped twins are studied.',
    })
  }
  const ids = idsOf(models.map((model) => (existsSync(model) ? model : model.replace(/@[^/]*$/, ''))))
  const planned: PlannedModel[] = []
  /** Fingerprint → the model that has it. */
  const known = new Map<string, string>()
  for (const [i, model] of models.entries()) {
    const onDownload = (at: Parameters<typeof inMegabytes>[0]) => onProgress?.(inMegabytes(at))
    const opened = await openSubject(model, { device, dtype, threads, signal, warn, onDownload })
    const subject = isVisionLanguage(opened) ? opened : captionSubject(opened)
    const parts = subject.model.kind === 'dual-encoder' ? { scale: false } : { head: false }
    const { checkpoint } = subject.encoder
    checkWeights(modelParameters(subject.model, parts), checkpoint, subject.model.weightSpellings)
    if (tune && isVisionLanguage(subject)) tunableModel(subject)
    const fingerprint = await fingerprintOf(fingerprintParts(subject))
    const same = known.get(fingerprint)
    if (same !== undefined) warn?.(`${model} is the same model as ${same}: nothing can tell the two apart`)
    known.set(fingerprint, model)
    planned.push({ id: ids[i]!, subject, fingerprint })
  }
  return planned
}

/** Dual encoders among the models, and raw pixels where a task has pictures on both sides. */
async function baselinesOf(
  planned: readonly PlannedModel[],
  alone: boolean,
  context: StudyContext,
): Promise<Baseline[]> {
  const { tasks } = context.world
  const baselines: Baseline[] = []
  for (const { id, subject } of planned) {
    const { model } = subject
    if (model.kind !== 'dual-encoder') continue
    const embedder = await Embedder.over(subject)
    try {
      const hash = await contentHashOf(fingerprintParts(subject))
      const captions = await captionMaker(embedder, id)
      const maker = { ...captions, hash: contentHash([hash, captions.hash]) }
      const vectors = await stored(maker, itemsOf(tasks, 'test'), context)
      const pairs = alone ? (await pairVectors(maker, context))(CONTRACT_READOUT) : undefined
      baselines.push({
        id,
        label: labelOf(id),
        hash,
        parameters: modelParameters(model).reduce((sum, { dims }) => sum + sizeOf(dims), 0),
        family: model.family,
        role: 'dual-encoder',
        scores: scoresOf(id, tasks, vectors.of(CONTRACT_READOUT)),
        pairs,
      })
    } finally {
      await embedder.close()
    }
  }
  const pictured = tasks.filter(pixelsApply)
  if (pictured.length > 0) {
    const vectors = await stored(pixels, itemsOf(pictured, 'test'), context)
    baselines.push({
      id: 'pixels',
      label: 'Raw pixels',
      hash: null,
      parameters: null,
      family: null,
      role: 'pixels',
      scores: scoresOf('pixels', pictured, vectors.of('pixels')),
      pairs: undefined,
    })
  }
  return baselines
}

/** The first paragraph of the model card behind its front matter and title. */
async function cardOf(dir: string): Promise<string | undefined> {
  const path = join(dir, 'README.md')
  if (!existsSync(path)) return undefined
  const body = (await readText(path)).replace(/^---\n[\s\S]*?\n---\n/, '')
  const paragraph = body
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .find((part) => part !== '' && !part.startsWith('#'))
  return paragraph?.replace(/\s+/g, ' ')
}

function runOf(
  {
    startedAt,
    version,
    phases,
    setting: { device, dtype, threads },
  }: { startedAt: string; version: string; phases: Phases; setting: StudySetting },
  { argv = [] }: StudyOptions,
): StudyRun {
  return {
    schemaVersion: 1,
    startedAt,
    finishedAt: new Date().toISOString(),
    argv: argv.map((word) => (isAbsolute(word) ? basename(word) : word)),
    phases: phases.list,
    ...machineFacts({ device, dtype: dtype ?? 'f32', threads }),
    versions: { bifocal: version, node: process.versions.node },
    badItems: [],
  }
}
