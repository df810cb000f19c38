/** @file One run of the plan `paper`: a model tuned and scored as `bifocal study` does it. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../../foundation/files/file.ts'
import type { Sheets } from '../../../inputs/scenes/sheets.ts'
import type { World } from '../../../inputs/scenes/world.ts'
import { contentHashOf } from '../../../models/embedder/fingerprint.ts'
import type { LayerName } from '../../../models/embedder/readout.ts'
import { fingerprintParts, openSubject } from '../../../models/embedder/subject.ts'
import { analyseAlignment } from '../../analysis/alignment.ts'
import { meanHit1, scoresOf } from '../../benchmark/choice.ts'
import { itemsOf } from '../../benchmark/task.ts'
import { MASKS, maskOf, readoutWords } from '../../benchmark/words.ts'
import { StudyError } from '../errors.ts'
import { type StudiedModel, studiedModels } from '../masks.ts'
import { runModel } from '../participant.ts'
import { isVisionLanguage } from '../planned.ts'
import {
  contentHash,
  type Look,
  type MeasuredState,
  type PairVectors,
  type SeenState,
  type StudyContext,
} from '../state.ts'
import { type PaperRun, runId } from './plan.ts'
import { hitsOf, type PaperRecord, type RecordedState, recordedFigure, recordSchema } from './record.ts'
import { type RemedyHits, remedyHits } from './remedies.ts'
import { alignedFirst, type StageSettings } from './stage.ts'

/** Of records in the work folder; another one makes them anew. */
const FORM = 2
const keyedSchema = z.object({ key: z.string() })
const keptSchema = keyedSchema.extend({ record: recordSchema })

export interface PaperContext extends StudyContext {
  /** Names the things in captions. */
  readonly scenes: World
  /** Drawings for the stage of alignment. */
  readonly sheets: () => Promise<Sheets>
  readonly stage: StageSettings
}

/**
 * The record of a run: as it was kept, or made now. A run that was stopped goes on from its own
 * snapshots.
 * @param dir     the pretrained model's folder
 * @param context its setting has the seed of the tuning, its world the rows of the run
 * @throws StudyError `study/no-model`; as `openSubject`, `alignedFirst` and `runModel`
 */
export async function recordOf(run: PaperRun, dir: string, context: PaperContext): Promise<PaperRecord> {
  const { setting, options, version, world } = context
  const id = runId(run)
  const chosen = await openedFor(run, await folderFor(run, dir, context), context)
  const { subject } = chosen
  const file = join(options.out, 'work', 'runs', `${id}.json`)
  const tasks = world.tasks.map((task) => [task.name, task.test.length])
  const model = await contentHashOf(fingerprintParts(subject))
  const key = contentHash([FORM, version, run, model, setting.tuning, setting.limits, tasks])
  if (existsSync(file)) {
    const kept = await readJson(file, keyedSchema)
    if (kept.key === key) return (await readJson(file, keptSchema)).record
  }
  const looked = lookedAt(run, context)
  const [measured] = await runModel([chosen], { ...context, look: looked.look })
  const { participant } = measured!
  const record: PaperRecord = {
    id,
    arm: run.arm.name,
    pretraining: run.pretraining,
    tuning: run.tuning,
    mask: run.mask,
    condition: run.condition,
    share: run.share,
    model,
    parameters: participant.parameters,
    untuned: await stateOf(participant.plain, looked.remedies.untuned, context),
    tuned: await stateOf(participant.tuned!.state, looked.remedies.tuned, context),
    layers: Object.fromEntries(
      await inOrder(participant.layers, async ({ layer, pairs }) => [
        String(layer),
        { alignment: await alignmentOf(pairs, context), ...scored(looked.layers.get(layer)) },
      ]),
    ),
  }
  await writeFileAtomic(file, `${JSON.stringify({ key, record })}\n`)
  return record
}

/** The model under the run's mask, read as all models of the plan are. */
async function openedFor(
  run: PaperRun,
  dir: string,
  { setting, options }: StudyContext,
): Promise<StudiedModel['masked'][number]> {
  const { device, dtype, threads } = setting
  const { signal, warn } = options
  const subject = await openSubject(dir, { device, dtype, threads, signal, warn })
  if (!isVisionLanguage(subject)) {
    throw new StudyError('no-model', {
      message: `${dir} is no vision-language model`,
      hint: `Put ${run.arm.name} there: bifocal pretrain ${run.arm.name}.`,
    })
  }
  const own = maskOf(subject)
  // A causal model has full attention for its other mask, any other model a causal one.
  const other = MASKS.find((mask) => mask !== own && mask !== 'block')!
  const [studied] = studiedModels([{ id: runId(run), subject }], {
    ...setting,
    sharedBase: { masks: [other] },
  })
  const chosen = studied?.masked[run.mask === 'native' ? 0 : 1]
  if (chosen !== undefined) return { ...chosen, id: runId(run) }
  throw new StudyError('no-model', {
    message: `${dir}: the decoder does not run under a ${other} mask`,
    hint: 'Leave the arm out of the plan.',
  })
}

/** The folder of the run's model: the pretrained one, or that after the stage of alignment. */
async function folderFor(run: PaperRun, dir: string, context: PaperContext): Promise<string> {
  if (run.condition !== 'aligned-first') return dir
  const { setting, options, version, scenes, sheets, stage } = context
  const { subject } = await openedFor(run, dir, context)
  return await alignedFirst(subject, {
    id: `${run.arm.name}-${run.pretraining}`,
    work: join(options.out, 'work'),
    scenes,
    sheets,
    settings: stage,
    version,
    threads: setting.threads,
    signal: options.signal,
    warn: options.warn,
    onProgress: options.onProgress,
  })
}

/** Scores of layers and remedies, filled in while the run's states can make vectors. */
interface Looked {
  readonly look: Look
  readonly layers: Map<LayerName, number>
  readonly remedies: Record<SeenState['name'], RemedyHits>
}

function lookedAt({ mask, condition, share }: PaperRun, context: StudyContext): Looked {
  const { world, setting, options } = context
  // Runs of one model share the vectors of its untuned state: all of them read out the same layers.
  const ordinary = mask === 'native' && condition === 'plain'
  const layers = new Map<LayerName, number>()
  const remedies: Looked['remedies'] = { untuned: {}, tuned: {} }
  const at = async (seen: SeenState) => {
    if (seen.layers.length > 0) {
      const vectors = await seen.vectors(itemsOf(world.tasks, 'test'))
      for (const [readout, layer] of seen.layers)
        layers.set(layer, meanHit1(await scoresOf(readout, world.tasks, vectors.of(readout))))
    }
    if (ordinary && share === 1)
      remedies[seen.name] = await remedyHits(seen, world, {
        threads: setting.threads,
        signal: options.signal,
      })
  }
  return { look: { layers: ordinary, at }, layers, remedies }
}

async function stateOf(
  state: MeasuredState,
  remedies: RemedyHits,
  context: StudyContext,
): Promise<RecordedState> {
  return {
    readout: readoutWords(state.readout),
    byReadout: Object.fromEntries(
      Object.entries(state.byReadout).map(([readout, hit1]) => [readout, recordedFigure(hit1)]),
    ),
    hits: Object.fromEntries(state.scores.tasks.map(({ task, rows }) => [task, hitsOf(rows)])),
    alignment: await alignmentOf(state.pairs, context),
    remedies,
  }
}

function scored(hit1: number | undefined): { hit1?: number } {
  return hit1 === undefined ? {} : { hit1: recordedFigure(hit1) }
}

/** Values without intervals: those of the plan are over models. */
async function alignmentOf(pairs: PairVectors, { options }: StudyContext): Promise<Record<string, number>> {
  const found = await analyseAlignment(pairs, { seed: 1, resamples: 1, signal: options.signal })
  return Object.fromEntries(
    [...found].flatMap(([measure, { value }]) =>
      Number.isFinite(value) ? [[measure, recordedFigure(value)] as const] : [],
    ),
  )
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}
