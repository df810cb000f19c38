/**
 * @file The main job: models in, report out. Everything computed is kept in the output folder, so a
 * stopped study goes on.
 */

import { availableParallelism } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { lockAlone } from '../../foundation/files/lock.ts'
import { checkOptions } from '../../foundation/files/options.ts'
import { isShipped } from '../../foundation/files/shipped.ts'
import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { packageVersion } from '../../foundation/files/version.ts'
import { machineFacts } from '../report/machine.ts'
import type { Results } from '../report/results.ts'
import type { StudyRun } from '../report/run.ts'
import { type WrittenReport, writeReport } from '../report/write.ts'
import { assemble } from './assemble.ts'
import { baselinesOf } from './baselines.ts'
import { cardOf } from './card.ts'
import { claimFolder } from './claim.ts'
import { costliestFirst, estimateWords } from './estimate.ts'
import { type StudiedModel, studiedModels } from './masks.ts'
import { commandOf, type StudyOptions, type StudySetting, settingOf, studyOptionSchemas } from './options.ts'
import { otherSeeds } from './other-seeds.ts'
import { comparedPair, type Outcome, type Studied } from './outcome.ts'
import { writeOwnRun } from './own-run.ts'
import { differencesOfFiles, pairsIn, sharedBaseOf } from './pairs/base.ts'
import { factorsBeside } from './paper/shipped.ts'
import { type MaskedRun, runModel } from './participant.ts'
import { Phases } from './phases.ts'
import { isVisionLanguage, type PlannedModel, plannedModels } from './planned.ts'
import { contentHash, type StudyContext } from './state.ts'
import { together } from './together.ts'
import { studyWorld } from './world.ts'

export interface StudyResult {
  results: Results
  run: StudyRun
  /** Paths of the files that were written. */
  written: WrittenReport
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
  const planned = await plannedModels(setting, options)
  const pairs = setting.sharedBase && pairsIn(planned)
  const command = commandOf(options, setting)
  const lock = await lockAlone(join(options.out, 'work'))
  try {
    await removeAbandoned(options.out, { recursive: true })
    const version = await packageVersion()
    const phases = new Phases()
    const world = await phases.time('tasks', () => studyWorld(setting))
    const differs = pairs && (await differencesOfFiles(pairs, world))
    await claimFolder(options.out, { setting: identityOf(planned, setting) }, command)
    const studied = studiedModels(decodersOf(planned), setting)
    if (options.onEstimate !== undefined) {
      const subjects = [
        ...studied.flatMap(({ masked }) => masked.map(({ subject }) => subject)),
        ...planned.flatMap(({ subject }) => (isVisionLanguage(subject) ? [] : [subject])),
      ]
      const words = await estimateWords(subjects, world, setting)
      if (words !== undefined) options.onEstimate(words)
    }
    const context: StudyContext = { setting, world, phases, options, version }
    const sharedBase =
      differs && (await phases.time('base', () => sharedBaseOf(studied, differs, options.signal)))
    const results = await resultsOf({ planned, studied, sharedBase, command }, context)
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

function decodersOf(planned: readonly PlannedModel[]) {
  return planned.flatMap(({ id, subject }) => (isVisionLanguage(subject) ? [{ id, subject }] : []))
}

/** Everything that a study is about. */
interface Planned extends Pick<Outcome, 'sharedBase' | 'command'> {
  readonly planned: readonly PlannedModel[]
  readonly studied: readonly StudiedModel[]
}

async function resultsOf(
  { planned, studied: models, sharedBase, command }: Planned,
  context: StudyContext,
): Promise<Results> {
  const { setting, world, phases, options } = context
  // Side by side, with so many threads each as the setting says: the same bytes on any number of
  // cores.
  const atOnce = Math.max(1, Math.floor(availableParallelism() / setting.threads))
  const order = await costliestFirst(
    models.map(({ masked: [{ subject }] }) => subject),
    world,
  )
  const runs: (readonly MaskedRun[])[] = []
  await together(order, atOnce, async (place) => {
    runs[place] = await runModel(models[place]!.masked, context)
  })
  const studied = await Promise.all(
    runs.flat().map(async ({ participant, control, label }): Promise<Studied> => {
      const { subject } = participant
      const { contract, checkpoint } = subject.encoder
      return {
        participant,
        control,
        role: isShipped(checkpoint.dir) && subject.adapter === undefined ? 'twin' : 'checkpoint',
        objective: contract.objective ?? subject.model.objective,
        label,
        card: await cardOf(subject.dir),
      }
    }),
  )
  const baselines = await baselinesOf(planned, models.length === 0, context)
  const measured = { studied, baselines }
  const compared = comparedPair(measured)?.flatMap(({ hash, state }) =>
    state === 'tuned' && hash !== null ? [hash] : [],
  )
  const outcome: Outcome = {
    setting,
    command,
    world,
    ...measured,
    ...(sharedBase && { sharedBase }),
    otherSeeds: compared?.length === 2 ? await otherSeeds(compared, setting) : [],
    factors: await factorsBeside(studied, setting),
  }
  await phases.time('run', () => writeOwnRun(outcome, context))
  const { signal, onProgress } = options
  return await phases.time('analysis', () => assemble(outcome, { seed: setting.seed, signal, onProgress }))
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
