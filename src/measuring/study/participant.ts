/**
 * @file One model's way through a study: vectors as it is, conversion, choice of pooling on dev
 * rows, vectors as converted.
 */

import { join } from 'node:path'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import { type Conversion, type ConversionSettings, convert } from '../../learning/tuning/convert.ts'
import { TUNED_POOLS } from '../../learning/tuning/decoder.ts'
import { layerReadout, type SubjectEncoder, subjectEncoder } from '../../learning/tuning/encoder.ts'
import { type PictureFeatures, pictureFeatures } from '../../learning/tuning/features.ts'
import { type Sequences, sequencesOf } from '../../learning/tuning/sequences.ts'
import { openSubject, type Subject, type SubjectOptions } from '../../learning/tuning/subject.ts'
import { initialTrained } from '../../learning/tuning/trained.ts'
import type { VectorMaker } from '../../models/embedder/vectors/all.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { itemsOf, withShuffledPictures } from '../benchmark/task.ts'
import { controlId } from './names.ts'
import {
  chosenPool,
  contentHash,
  type MeasuredState,
  measured,
  type PairVectors,
  pairVectors,
  type StudyContext,
  scoresOf,
  stored,
} from './state.ts'
import { writeTuned } from './tuned-folder.ts'

export interface Participant {
  readonly id: string
  readonly subject: Subject
  readonly untuned: MeasuredState
  /** Mean pooling, layer by layer; 0 = the input embeddings. */
  readonly layers: readonly PairVectors[]
  readonly tuned: MeasuredState
  readonly shuffled: ModelScores
  readonly conversion: Conversion
}

/** The same conversion of a random decoder: only its scores count. */
export interface ControlParticipant {
  readonly id: string
  readonly subject: Subject
  readonly tuned: Pick<MeasuredState, 'choice' | 'scores'>
  readonly conversion: Conversion
}

/**
 * What a model and its control share: image rows of the frozen tower and projector, prepared
 * sequences.
 */
interface SharedInputs {
  readonly features: PictureFeatures
  readonly sequences: Sequences
}

interface Opened {
  readonly subject: Subject
  readonly encoder: SubjectEncoder
  readonly untuned: NamedArrays
  /** @throws InterruptedError with the state saved */
  convert(): Promise<Conversion>
  close(): Promise<void>
}

/** Opens a model and the tower that its control will share. */
export async function runWithControl(
  options: SubjectOptions,
  context: StudyContext,
): Promise<{ participant: Participant; control: ControlParticipant | undefined }> {
  const subject = await openSubject(options)
  const features = await pictureFeatures(subject, 1)
  const inputs = { features, sequences: sequencesOf(subject, features) }
  try {
    const participant = await runParticipant(subject, inputs, context)
    if (!context.setting.controls) return { participant, control: undefined }
    const { dir, attention } = subject
    const random = await openSubject({
      id: controlId(participant),
      dir,
      attention,
      randomDecoder: { seed: context.setting.seed },
    })
    return { participant, control: await runControl(random, inputs, context) }
  } finally {
    await features.close()
  }
}

/** All that is measured of a model under study. */
async function runParticipant(
  subject: Subject,
  inputs: SharedInputs,
  context: StudyContext,
): Promise<Participant> {
  const { world, setting } = context
  const opened = await open(subject, inputs, context)
  const { id } = subject
  try {
    const plain = stateOf(opened, opened.untuned, '', context)
    const untuned = await measured(plain, id, context)
    const layerNames = Array.from({ length: subject.model.shape.layers + 1 }, (_, layer) =>
      layerReadout(layer, 'mean'),
    )
    const byLayer = await pairVectors(stateOf(opened, opened.untuned, '', context, layerNames), context)
    const conversion = await opened.convert()
    const state = stateOf(opened, conversion.parameters, conversion.hash, context)
    const tuned = await measured(state, `${id}-tuned`, context)
    await writeTuned(subject, conversion, tuned.choice.pool, context)
    const tasks = world.tasks.map((task) => withShuffledPictures(task, setting.seed))
    const vectors = await stored(state, itemsOf(tasks, 'test'), context)
    return {
      id,
      subject,
      untuned,
      layers: layerNames.map((name) => byLayer(name)),
      tuned,
      shuffled: scoresOf(`${id}-shuffled`, tasks, vectors, tuned.choice.pool),
      conversion,
    }
  } finally {
    await opened.close()
  }
}

/** Converts and scores, nothing else. */
async function runControl(
  subject: Subject,
  inputs: SharedInputs,
  context: StudyContext,
): Promise<ControlParticipant> {
  const opened = await open(subject, inputs, context)
  try {
    const conversion = await opened.convert()
    const state = stateOf(opened, conversion.parameters, conversion.hash, context)
    const choice = await chosenPool(state, context)
    const vectors = await stored(state, itemsOf(context.world.tasks, 'test'), context)
    const scores = scoresOf(subject.id, context.world.tasks, vectors, choice.pool)
    return { id: subject.id, subject, tuned: { choice, scores }, conversion }
  } finally {
    await opened.close()
  }
}

async function open(
  subject: Subject,
  inputs: SharedInputs,
  { setting, world, phases, options: study, version }: StudyContext,
): Promise<Opened> {
  const settings: ConversionSettings = { ...setting.conversion, seed: setting.seed }
  const encoder = await subjectEncoder({ subject, part: settings.part, ...inputs })
  // Of another setting, another folder: what a run with other flags left stays usable for that one.
  const key = contentHash([
    version,
    subject.hash,
    settings,
    world.training.map(({ name, pairs }) => [name, pairs.length]),
  ])
  return {
    subject,
    encoder,
    untuned: await initialTrained(subject, settings.part, settings.seed),
    convert: () =>
      phases.time('conversion', async () => {
        const conversion = await convert({
          subject,
          tasks: world.training,
          settings,
          ...inputs,
          dir: join(study.out, 'work', 'conversions', `${subject.id}-${key.slice(0, 16)}`),
          signal: study.signal,
          warn: study.warn,
          onProgress: ({ step, steps, loss }) =>
            study.onProgress?.({
              label: `converting ${subject.id}`,
              done: step,
              total: steps,
              note: `loss ${loss.toFixed(3)}`,
            }),
        })
        phases.resumed('conversion', conversion.resumedAt)
        return conversion
      }),
    close: () => encoder.close(),
  }
}

/**
 * A state as a benchmark model. @param tunedHash content hash of the trained values, empty for the
 * model as it is
 */
function stateOf(
  { subject, encoder }: Opened,
  parameters: NamedArrays,
  tunedHash: string,
  { setting }: StudyContext,
  readouts: readonly string[] = TUNED_POOLS,
): VectorMaker {
  return {
    id: subject.id,
    hash: contentHash([subject.hash, tunedHash, tunedHash === '' ? null : setting.conversion.part]),
    readouts,
    embed: async (items, { signal }) => ({
      vectors: await encoder.embed(items, { parameters, readouts, signal }),
    }),
  }
}
