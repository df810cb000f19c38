/** @file One model's way through a study: vectors as it is, conversion, choice of pooling on dev rows, vectors as converted. */

import { createHash } from 'node:crypto'
import { join, relative } from 'node:path'
import {
  type BenchmarkTask,
  type EmbeddingModel,
  embedAll,
  evaluateTask,
  itemsOf,
  type ModelScores,
  type StoredVectors,
  withShuffledPictures,
} from '../benchmark/index.ts'
import { initialAdapter } from '../checkpoint/adapter.ts'
import { writeAdapter } from '../checkpoint/adapter-folder.ts'
import { defaultContract, writeContract } from '../embedder/contract.ts'
import type { EmbeddingItem } from '../embedder/item.ts'
import { mean } from '../numeric/statistics.ts'
import { f32, type Tensor } from '../numeric/tensor.ts'
import type { NamedArrays } from '../training/index.ts'
import { type Conversion, type ConversionSettings, convert } from '../tuning/convert.ts'
import { decoderLinears, TUNED_POOLS, type TunedPool } from '../tuning/decoder.ts'
import { layerReadout, type SubjectEncoder, subjectEncoder } from '../tuning/encoder.ts'
import { type PictureFeatures, pictureFeatures } from '../tuning/features.ts'
import { type Sequences, sequencesOf } from '../tuning/sequences.ts'
import { openSubject, type Subject, type SubjectOptions } from '../tuning/subject.ts'
import { initialTrained } from '../tuning/trained.ts'
import { controlId } from './names.ts'
import type { StudyOptions, StudySetting } from './options.ts'
import type { Phases } from './phases.ts'
import type { StudyWorld } from './world.ts'

/** Vectors of the analysis pairs: `[pairs, dim]` each. */
export interface PairVectors {
  readonly images: Tensor<'f32'>
  readonly texts: Tensor<'f32'>
}

export interface PoolChoice {
  readonly pool: TunedPool
  /** Mean dev hit@1 of every pooling. */
  readonly dev: Readonly<Record<TunedPool, number>>
}

/** A model in one state: as it is, or converted. */
export interface MeasuredState {
  readonly choice: PoolChoice
  readonly scores: ModelScores
  /** Mean test hit@1 over all tasks for every pooling: said in a note, nothing is chosen by it. */
  readonly byPool: Readonly<Record<TunedPool, number>>
  readonly pairs: PairVectors
}

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

export interface ParticipantContext {
  readonly setting: StudySetting
  readonly world: StudyWorld
  readonly phases: Phases
  readonly options: StudyOptions
}

/** What a model and its control share: image rows of the frozen tower and projector, prepared sequences. */
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
  context: ParticipantContext,
): Promise<{ participant: Participant; control: ControlParticipant | undefined }> {
  const subject = await openSubject(options)
  const features = await pictureFeatures(subject, 1)
  const inputs = { features, sequences: sequencesOf(subject, features) }
  try {
    const participant = await runParticipant(subject, inputs, context)
    if (!context.setting.controls) return { participant, control: undefined }
    const { dir, attention } = subject
    const random = await openSubject({ id: controlId(participant), dir, attention, randomDecoder: { seed: context.setting.seed } })
    return { participant, control: await runControl(random, inputs, context) }
  } finally {
    await features.close()
  }
}

/** All that is measured of a model under study. */
async function runParticipant(subject: Subject, inputs: SharedInputs, context: ParticipantContext): Promise<Participant> {
  const { world, setting, phases } = context
  const opened = await open(subject, inputs, context)
  const { id } = subject
  try {
    const plain = stateOf(opened, opened.untuned, '', context)
    const untuned = await measured(plain, id, context)
    const layerNames = Array.from({ length: subject.model.shape.layers + 1 }, (_, layer) => layerReadout(layer, 'mean'))
    const byLayer = await phases.time('vectors', () => pairVectors(stateOf(opened, opened.untuned, '', context, layerNames), context))
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
async function runControl(subject: Subject, inputs: SharedInputs, context: ParticipantContext): Promise<ControlParticipant> {
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
  { setting, world, phases, options: study }: ParticipantContext,
): Promise<Opened> {
  const settings: ConversionSettings = { ...setting.conversion, seed: setting.seed }
  const encoder = await subjectEncoder({ subject, part: settings.part, ...inputs })
  // Of another setting, another folder: what a run with other flags left stays usable for that one.
  const key = contentHash([subject.hash, settings, world.training.map(({ name, pairs }) => [name, pairs.length])])
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
            study.onProgress?.({ label: `converting ${subject.id}`, done: step, total: steps, note: `loss ${loss.toFixed(3)}` }),
        })
        phases.resumed('conversion', conversion.resumedAt)
        return conversion
      }),
    close: () => encoder.close(),
  }
}

/** A state as a benchmark model. @param tunedHash content hash of the trained values, empty for the model as it is */
function stateOf(
  { subject, encoder }: Opened,
  parameters: NamedArrays,
  tunedHash: string,
  { setting }: ParticipantContext,
  readouts: readonly string[] = TUNED_POOLS,
): EmbeddingModel {
  return {
    id: subject.id,
    hash: contentHash([subject.hash, tunedHash, tunedHash === '' ? null : setting.conversion.part]),
    readouts,
    embed: (items, { signal }) => encoder.embed(items, { parameters, readouts, signal }),
  }
}

async function measured(state: EmbeddingModel, id: string, context: ParticipantContext): Promise<MeasuredState> {
  const { tasks } = context.world
  const choice = await chosenPool(state, context)
  const vectors = await stored(state, itemsOf(tasks, 'test'), context)
  const all = (pool: TunedPool) => scoresOf(id, tasks, vectors, pool)
  const pairs = await pairVectors(state, context)
  const byPool = { mean: meanHit(all('mean')), last: meanHit(all('last')) }
  return { choice, scores: all(choice.pool), byPool, pairs: pairs(choice.pool) }
}

async function chosenPool(state: EmbeddingModel, context: ParticipantContext): Promise<PoolChoice> {
  const tasks = context.world.tasks.filter(({ dev }) => dev.length > 0)
  const vectors = await stored(state, itemsOf(tasks, 'dev'), context)
  const hit = (pool: TunedPool) => meanHit({ model: state.id, tasks: tasks.map((task) => evaluateTask(task, vectors.of(pool), 'dev')) })
  const dev = { mean: hit('mean'), last: hit('last') }
  return { pool: dev.last > dev.mean ? 'last' : 'mean', dev }
}

function meanHit({ tasks }: ModelScores): number {
  return mean(tasks.map(({ rows }) => mean(rows.map(({ hit1 }) => hit1))))
}

function scoresOf(model: string, tasks: readonly BenchmarkTask[], vectors: StoredVectors, pool: string): ModelScores {
  return { model, tasks: tasks.map((task) => evaluateTask(task, vectors.of(pool))) }
}

/** Vectors from the study's store. */
export async function stored(
  model: EmbeddingModel,
  items: readonly EmbeddingItem[],
  { options: { out, signal, onProgress }, phases }: ParticipantContext,
): Promise<StoredVectors> {
  const vectors = await phases.time('vectors', () =>
    embedAll(join(out, 'work', 'vectors'), model, items, {
      signal,
      onProgress: ({ done, total }) => onProgress?.({ label: `embedding with ${model.id}`, done, total }),
    }),
  )
  phases.resumed('vectors', vectors.resumed)
  return vectors
}

/** Readout → vectors of the pairs. */
async function pairVectors(state: EmbeddingModel, context: ParticipantContext): Promise<(readout: string) => PairVectors> {
  const { pairs } = context.world
  const vectors = await stored(
    state,
    pairs.flatMap(({ image, text }) => [image, text]),
    context,
  )
  return (readout) => {
    const of = vectors.of(readout)
    const stack = (keys: readonly string[]) => {
      const rows = keys.map((key) => of(key))
      const dim = rows[0]?.length ?? 0
      const data = new Float32Array(rows.length * dim)
      for (const [i, row] of rows.entries()) data.set(row, i * dim)
      return f32([rows.length, dim], data)
    }
    return { images: stack(pairs.map(({ image }) => image.key)), texts: stack(pairs.map(({ text }) => text.key)) }
  }
}

/** An adapter folder in PEFT's layout with its contract, ready for `bifocal embed`. All-weights conversions stay in the work folder. */
async function writeTuned(
  subject: Subject,
  { parameters }: Conversion,
  pool: TunedPool,
  { setting, options }: ParticipantContext,
): Promise<void> {
  const { part } = setting.conversion
  if (part.tune !== 'lora') return
  const dir = join(options.out, 'models', `${subject.id}-tuned`)
  const linears = decoderLinears(subject.model)
  const spelled = (module: string) => (subject.model.weightSpellings(`${module}.weight`)[0] ?? module).replace(/\.weight$/, '')
  const { config } = initialAdapter(
    linears.map((layer) => ({ ...layer, module: spelled(layer.module) })),
    { ...part, seed: setting.seed },
  )
  const modules = linears.map(({ module }) => {
    const [down, up] = [parameters[`${module}.lora_A.weight`]!, parameters[`${module}.lora_B.weight`]!]
    return [spelled(module), { down, up, scale: part.alpha / part.rank }] as const
  })
  await writeAdapter(dir, { config, modules: new Map(modules) })
  const contract = defaultContract(subject.model)
  await writeContract(dir, {
    ...contract,
    base: { path: relative(dir, subject.dir) },
    adapter: '.',
    attention: subject.attention,
    readout: { layer: 'last', norm: 'after', pool },
  })
}

/** Hexadecimal. */
function contentHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
