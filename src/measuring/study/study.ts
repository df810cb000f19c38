/**
 * @file The main job: models in, report out. Everything computed is kept in the output folder, so a
 * stopped study goes on.
 */

import { existsSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { readJson, readText } from '../../foundation/files/file.ts'
import { lockAlone } from '../../foundation/files/lock.ts'
import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { sizeOf } from '../../foundation/numeric/tensor.ts'
import type { DualEncoderModel } from '../../models/families/model.ts'
import { openModel } from '../../models/families/open.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { checkWeights, warnOfSpareLayers } from '../../models/families/weights.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { resolveModel } from '../../models/hub/resolve.ts'
import { dualEncoder } from '../benchmark/dual-encoder.ts'
import { evaluateTask } from '../benchmark/evaluate.ts'
import { pixels, pixelsApply } from '../benchmark/pixels.ts'
import { itemsOf } from '../benchmark/task.ts'
import type { Results } from '../report/results.ts'
import type { StudyRun } from '../report/run.ts'
import { type WrittenReport, writeReport } from '../report/write.ts'
import { assemble } from './assemble.ts'
import { StudyError } from './errors.ts'
import { idsOf, labelOf, roleOf } from './names.ts'
import { type StudyOptions, settingOf } from './options.ts'
import { otherSeeds } from './other-seeds.ts'
import { type Baseline, comparedPair, type Outcome, type Studied } from './outcome.ts'
import { runWithControl } from './participant.ts'
import { Phases } from './phases.ts'
import { type StudyContext, stored } from './state.ts'
import { studyWorld } from './world.ts'

export interface StudyResult {
  results: Results
  run: StudyRun
  /** Paths of what was written. */
  written: WrittenReport
}

interface PlannedModel {
  id: string
  dir: string
  dual: DualEncoderModel | undefined
  family: string
}

/**
 * Converts, scores, analyses and reports. The same setting gives the same `results.json`, stopped
 * and resumed or not.
 * @example const { written } = await runStudy({ out: 'out' })
 * @throws StudyError `study/no-model`, `study/models`, `study/no-pairs`; FileError `file/in-use`
 * while another study writes to the folder; InterruptedError with everything computed kept; errors
 * of the folders
 */
export async function runStudy(options: StudyOptions): Promise<StudyResult> {
  const startedAt = new Date().toISOString()
  const setting = settingOf(options)
  const planned = await plan(await foldersOf(setting.models, options), setting.models, options)
  const lock = await lockAlone(join(options.out, 'work'))
  try {
    await removeAbandoned(options.out, { recursive: true })
    const version = await packageVersion()
    const { results, phases } = await resultsOf(planned, { setting, options, version })
    const run = await runOf({ startedAt, version, phases }, options)
    return { results, run, written: await writeReport(results, run, options.out, { page: options.page }) }
  } finally {
    await lock.release()
  }
}

async function resultsOf(
  planned: readonly PlannedModel[],
  { setting, options, version }: Pick<StudyContext, 'setting' | 'options' | 'version'>,
): Promise<{ results: Results; phases: Phases }> {
  const phases = new Phases()
  const world = await phases.time('tasks', () => studyWorld(setting))
  const context: StudyContext = { setting, world, phases, options, version }
  const subjects = planned.filter(({ dual }) => dual === undefined)
  // One thread each, side by side: the same bytes on any number of cores.
  const runs = await together(subjects, ({ id, dir }) => runWithControl({ id, dir }, context))
  const studied = await Promise.all(
    runs.map(async ({ participant, control }): Promise<Studied> => {
      const { dir, model } = participant.subject
      return {
        participant,
        control,
        role: roleOf(dir),
        objective: model.objective,
        label: labelOf(participant.id),
        card: await cardOf(dir),
      }
    }),
  )
  const compared = comparedPair({ studied })?.map(({ participant: { subject } }) => subject.hash)
  const outcome: Outcome = {
    setting,
    world,
    studied,
    baselines: await baselinesOf(planned, context),
    otherSeeds: compared === undefined ? [] : await otherSeeds(compared, setting),
  }
  const { signal, onProgress } = options
  const results = await phases.time('analysis', () =>
    assemble(outcome, { seed: setting.seed, signal, onProgress }),
  )
  return { results, phases }
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
 * Where the models lie; those that are known by their name on the hub only are fetched, one after
 * another.
 */
async function foldersOf(
  models: readonly string[],
  { signal, onProgress, warn }: StudyOptions,
): Promise<string[]> {
  const dirs: string[] = []
  for (const model of models)
    dirs.push(await resolveModel(model, { signal, warn, onProgress: (at) => onProgress?.(inMegabytes(at)) }))
  return dirs
}

async function plan(
  dirs: readonly string[],
  models: readonly string[],
  { warn }: StudyOptions,
): Promise<PlannedModel[]> {
  const absent = dirs.filter((dir) => !existsSync(dir))
  if (absent.length > 0) {
    throw new StudyError('no-model', {
      message: `there is no folder ${absent.join(', ')}`,
      hint: 'Name checkpoint folders, or models of the hub as ORG/NAME, as models (--models); without any the shipped twins are studied.',
    })
  }
  const ids = idsOf(models.map((model, i) => (model === dirs[i] ? model : model.replace(/@.*$/, ''))))
  const planned = await Promise.all(
    dirs.map(async (dir, i): Promise<PlannedModel> => {
      const checkpoint = await openModel(dir)
      const model = modelOf(checkpoint.config, join(dir, 'config.json'))
      // All models before the first conversion: a folder that lacks weights is told at once.
      const parts = model.kind === 'dual-encoder' ? { scale: false } : { head: false }
      checkWeights(modelParameters(model, parts), checkpoint, model.weightSpellings)
      if (model.kind === 'vision-language')
        warnOfSpareLayers(dir, checkpoint.tensors.keys(), model.shape.layers, warn)
      return {
        id: ids[i]!,
        dir,
        family: model.family,
        dual: model.kind === 'dual-encoder' ? model : undefined,
      }
    }),
  )
  if (planned.every(({ dual }) => dual !== undefined)) {
    throw new StudyError('models', {
      message: `${dirs.join(', ')}: none of the models has a decoder to convert`,
      hint: 'Name at least one vision-language model.',
    })
  }
  return planned
}

/** Dual encoders among the models, and raw pixels where a task has pictures on both sides. */
async function baselinesOf(planned: readonly PlannedModel[], context: StudyContext): Promise<Baseline[]> {
  const { tasks } = context.world
  const baselines: Baseline[] = []
  for (const { id, dir, dual, family } of planned) {
    if (dual === undefined) continue
    const model = await dualEncoder({ id, dir })
    try {
      const vectors = await stored(model, itemsOf(tasks, 'test'), context)
      baselines.push({
        id,
        label: labelOf(id),
        hash: model.hash,
        parameters: modelParameters(dual).reduce((sum, { dims }) => sum + sizeOf(dims), 0),
        family,
        role: 'dual-encoder',
        scores: { model: id, tasks: tasks.map((task) => evaluateTask(task, vectors.of('vector'))) },
      })
    } finally {
      await model.close()
    }
  }
  const pictured = tasks.filter(pixelsApply)
  if (pictured.length > 0) {
    const vectors = await stored(pixels, itemsOf(pictured, 'test'), context)
    const scores = {
      model: 'pixels',
      tasks: pictured.map((task) => evaluateTask(task, vectors.of('pixels'))),
    }
    baselines.push({
      id: 'pixels',
      label: 'Raw pixels',
      hash: null,
      parameters: null,
      family: null,
      role: 'pixels',
      scores,
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

const versioned = z.object({ version: z.string() })

async function packageVersion(): Promise<string> {
  return (await readJson(fileURLToPath(new URL('../../../package.json', import.meta.url)), versioned)).version
}

async function runOf(
  { startedAt, version, phases }: { startedAt: string; version: string; phases: Phases },
  { argv = [] }: StudyOptions,
): Promise<StudyRun> {
  const [cpu] = cpus()
  return {
    schemaVersion: 1,
    startedAt,
    finishedAt: new Date().toISOString(),
    argv: [...argv],
    phases: phases.list,
    machine: {
      platform: process.platform,
      arch: process.arch,
      cpu: cpu?.model ?? '',
      cores: Math.max(1, cpus().length),
      memoryBytes: totalmem(),
      device: 'cpu',
      dtype: 'f32',
      threads: 1,
    },
    versions: { bifocal: version, node: process.versions.node },
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    badItems: [],
  }
}
