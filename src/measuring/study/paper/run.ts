/** @file One run of the plan `paper`: a model tuned and scored as `bifocal study` does it. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../../foundation/files/file.ts'
import { contentHashOf } from '../../../models/embedder/fingerprint.ts'
import { fingerprintParts, openSubject } from '../../../models/embedder/subject.ts'
import { analyseAlignment } from '../../analysis/alignment.ts'
import { MASKS, maskOf, readoutWords } from '../../benchmark/words.ts'
import { StudyError } from '../errors.ts'
import { studiedModels } from '../masks.ts'
import { runModel } from '../participant.ts'
import { isVisionLanguage } from '../planned.ts'
import { contentHash, type MeasuredState, type PairVectors, type StudyContext } from '../state.ts'
import { type PaperRun, runId } from './plan.ts'
import { hitsOf, type PaperRecord, type RecordedState, recordSchema } from './record.ts'

const keptSchema = z.strictObject({ key: z.string(), record: recordSchema })

/**
 * The record of a run: as it was kept, or made now. A run that was stopped goes on from its own
 * snapshots.
 * @param dir     the pretrained model's folder
 * @param context its setting has the seed of the tuning, its world the share of the training rows
 * @throws StudyError `study/no-model`; as `openSubject` and `runModel`
 */
export async function recordOf(run: PaperRun, dir: string, context: StudyContext): Promise<PaperRecord> {
  const { setting, options, version, world } = context
  const id = runId(run)
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
  const shared = { ...setting, sharedBase: { masks: [other] } }
  const [studied] = studiedModels([{ id, subject }], shared)
  const chosen = studied?.masked[run.mask === 'native' ? 0 : 1]
  if (chosen === undefined) {
    throw new StudyError('no-model', {
      message: `${dir}: the decoder does not run under a ${other} mask`,
      hint: 'Leave the arm out of the plan.',
    })
  }
  const file = join(options.out, 'work', 'runs', `${id}.json`)
  const tasks = world.tasks.map((task) => [task.name, task.test.length])
  const model = await contentHashOf(fingerprintParts(subject))
  const key = contentHash([version, run, model, setting.tuning, setting.limits, tasks])
  if (existsSync(file)) {
    const kept = await readJson(file, keptSchema)
    if (kept.key === key) return kept.record
  }
  const [measured] = await runModel([{ ...chosen, id }], context)
  const { participant } = measured!
  const record: PaperRecord = {
    id,
    arm: run.arm.name,
    pretraining: run.pretraining,
    tuning: run.tuning,
    mask: run.mask,
    share: run.share,
    model,
    parameters: participant.parameters,
    untuned: await stateOf(participant.plain, context),
    tuned: await stateOf(participant.tuned!.state, context),
    layers: Object.fromEntries(
      await inOrder(participant.layers, async ({ layer, pairs }) => [
        String(layer),
        await alignmentOf(pairs, context),
      ]),
    ),
  }
  await writeFileAtomic(file, `${JSON.stringify({ key, record })}\n`)
  return record
}

async function stateOf(state: MeasuredState, context: StudyContext): Promise<RecordedState> {
  return {
    readout: readoutWords(state.readout),
    byReadout: state.byReadout,
    hits: Object.fromEntries(state.scores.tasks.map(({ task, rows }) => [task, hitsOf(rows)])),
    alignment: await alignmentOf(state.pairs, context),
  }
}

/** Values without intervals: those of the plan are over models. */
async function alignmentOf(pairs: PairVectors, { options }: StudyContext): Promise<Record<string, number>> {
  const found = await analyseAlignment(pairs, { seed: 1, resamples: 1, signal: options.signal })
  return Object.fromEntries(
    [...found].flatMap(([measure, { value }]) => (Number.isFinite(value) ? [[measure, value] as const] : [])),
  )
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}
