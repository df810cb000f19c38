/**
 * @file One model's way through a study: its vectors as it is; then, where the study tunes, the
 * tuning, the choice of a readout on dev rows, and its vectors as tuned. All vectors come from the
 * embedder, in one state of the weights after the other.
 */

import { join } from 'node:path'
import { sizeOf } from '../../foundation/numeric/tensor.ts'
import { type TunableModel, trainedReadouts, tunableModel } from '../../learning/tuning/tunable.ts'
import { writeTrained } from '../../learning/tuning/tuned-folder.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { CONTRACT_READOUT } from '../../models/embedder/embedding.ts'
import { contentHashOf } from '../../models/embedder/fingerprint.ts'
import { type LayerName, layerNames, type Readout } from '../../models/embedder/readout.ts'
import { SequenceInputs } from '../../models/embedder/sequence-inputs.ts'
import { fingerprintParts, type Subject, withState } from '../../models/embedder/subject.ts'
import { makerOf, type VectorMaker } from '../../models/embedder/vectors/maker.ts'
import { randomDecoder } from '../../models/families/model-weights.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { type ReadoutChoice, scoresOf } from '../benchmark/choice.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { itemsOf, withShuffledPictures } from '../benchmark/task.ts'
import { maskOf, type VisionLanguageSubject } from '../benchmark/words.ts'
import type { StudiedModel } from './masks.ts'
import { controlId } from './names.ts'
import {
  chosenOn,
  contentHash,
  type MeasuredState,
  measured,
  type PairVectors,
  pairVectors,
  type StudyContext,
  stored,
} from './state.ts'
import { type Tuning, tuneForStudy } from './tuning.ts'

export interface Participant {
  readonly id: string
  readonly subject: VisionLanguageSubject
  /** A hash of all that decides its vectors, every weight included, hexadecimal. */
  readonly hash: string
  /** Numbers in the whole model, head excepted. */
  readonly parameters: number
  /** As it was opened. */
  readonly plain: MeasuredState
  /** Mean pooling of every state of the decoder, as it was opened. */
  readonly layers: readonly { layer: LayerName; pairs: PairVectors }[]
  /** Only where the study tunes. */
  readonly tuned: { readonly state: MeasuredState; readonly tuning: Tuning } | undefined
  /** With other queries' pictures, in its last state; undefined where a plan looks instead. */
  readonly shuffled: ModelScores | undefined
}

/** The same tuning of a random decoder. Only its scores are used. */
export interface ControlParticipant {
  readonly id: string
  readonly choice: ReadoutChoice
  readonly readout: Readout
  readonly scores: ModelScores
  readonly tuning: Tuning
}

/** A model on its way, and everything that its states share. */
interface Opened {
  readonly id: string
  readonly subject: VisionLanguageSubject
  readonly hash: string
  /** Sequences and image rows: tower and projector stay as they are in all states. */
  readonly inputs: SequenceInputs
  readonly context: StudyContext
}

/** Bytes of image rows that are kept: all of a quick study's, of models of the twins' size. */
const ROW_BYTES = 2 ** 30

/** A model under one mask, with its control where the study has controls. */
export interface MaskedRun {
  readonly label: string
  readonly participant: Participant
  readonly control: ControlParticipant | undefined
}

/**
 * Runs a model under each of its masks, one after another: they read the same sequences, and each
 * picture runs through the tower once.
 */
export async function runModel(
  masked: StudiedModel['masked'],
  context: StudyContext,
): Promise<readonly MaskedRun[]> {
  const { setting } = context
  const { subject } = masked[0]
  const further = { ...candidatesOf(subject), ...layersOf(subject) }
  const read = withState(subject, { readouts: further })
  const trained = setting.tune ? Object.values(trainedReadouts(subject)) : []
  const inputs = await SequenceInputs.open(subject.model, {
    ...read.encoder,
    readouts: [...read.encoder.readouts, ...trained],
    remember: true,
    rowBytes: ROW_BYTES,
  })
  const runs: MaskedRun[] = []
  try {
    for (const { id, label, subject: own } of masked) {
      const hash = await contentHashOf(fingerprintParts(own))
      const opened: Opened = { id, subject: own, hash, inputs, context }
      const participant = await runParticipant(opened)
      const control = setting.tune && setting.controls ? await runControl(opened) : undefined
      runs.push({ label, participant, control })
    }
    return runs
  } finally {
    await inputs.close()
  }
}

/** All that is measured of a model under study. */
async function runParticipant(opened: Opened): Promise<Participant> {
  const { id, subject, hash, context } = opened
  const { world, setting } = context
  const candidates = candidatesOf(subject)
  const layers = layersOf(subject)
  const { look } = context
  const shuffledTasks = world.tasks.map((task) => withShuffledPictures(task, setting.seed))
  const shuffledBy = async (maker: VectorMaker, { choice }: MeasuredState) => {
    if (look !== undefined) return undefined
    const vectors = await stored(maker, itemsOf(shuffledTasks, 'test'), context)
    return await scoresOf(`${id}-shuffled`, shuffledTasks, vectors.of(choice.readout))
  }
  const plain = await inState(opened, subject, { ...candidates, ...layers }, hash, async (makerIn) => {
    // One pass gives the pairs' vectors of all layers; rows of tasks need the candidates only, but
    // where a plan looks at layers.
    const everything = await makerIn([...Object.keys(candidates), ...Object.keys(layers)])
    const pairs = await pairVectors(everything, context)
    const scored = look?.layers ? everything : await makerIn(Object.keys(candidates))
    const state = await measured(scored, { id, readouts: candidates }, pairs, context)
    await look?.at({
      name: 'untuned',
      readout: state.choice.readout,
      layers: look.layers ? Object.entries(layers).map(([name, { layer }]) => [name, layer]) : [],
      vectors: async (items) => await stored(scored, items, context),
    })
    return {
      state,
      layers: Object.entries(layers).map(([name, { layer }]) => ({ layer, pairs: pairs(name) })),
      shuffled: setting.tune ? undefined : await shuffledBy(scored, state),
    }
  })
  const parameters = modelParameters(subject.model, { head: false }).reduce(
    (sum, { dims }) => sum + sizeOf(dims),
    0,
  )
  const shared = { id, subject, hash, parameters, plain: plain.state, layers: plain.layers }
  if (!setting.tune) return { ...shared, tuned: undefined, shuffled: plain.shuffled }

  const model = tunableModel(subject)
  const readouts = trainedReadouts(subject)
  const tuning = await tuningOf(opened, { id, model, modelHash: hash })
  const tuned = await inTuned(opened, tuning, async (maker) => {
    const pairs = await pairVectors(maker, context)
    const state = await measured(maker, { id: `${id}-tuned`, readouts }, pairs, context)
    await look?.at({
      name: 'tuned',
      readout: state.choice.readout,
      layers: [],
      vectors: async (items) => await stored(maker, items, context),
    })
    return { state, shuffled: await shuffledBy(maker, state) }
  })
  await writeTrained(join(context.options.out, 'models', `${id}-tuned`), {
    model,
    trained: tuning.trained,
    readout: tuned.state.readout,
  })
  return { ...shared, tuned: { state: tuned.state, tuning }, shuffled: tuned.shuffled }
}

/** Tunes a random decoder behind the same tower, and scores it. */
async function runControl(opened: Opened): Promise<ControlParticipant> {
  const { subject, context } = opened
  const { setting, world } = context
  const id = controlId(opened.id, maskOf(subject))
  const { seed } = setting
  const own = tunableModel(subject)
  const weights = randomDecoder({ base: own.weights, model: own.model, seed })
  const model = { ...own, weights }
  const modelHash = contentHash([opened.hash, `random decoder ${seed}`])
  const tuning = await tuningOf(opened, { id, model, modelHash })
  const readouts = trainedReadouts(subject)
  return await inTuned({ ...opened, id, hash: modelHash }, tuning, async (maker) => {
    const choice = await chosenOn(maker, Object.keys(readouts), context)
    const vectors = await stored(maker, itemsOf(world.tasks, 'test'), context)
    const scores = await scoresOf(id, world.tasks, vectors.of(choice.readout))
    return { id, choice, readout: readouts[choice.readout]!, scores, tuning }
  })
}

/**
 * Names and readouts that are scored of a model as it is: the one that it was made for, or, of a
 * plain checkpoint, mean and last.
 */
function candidatesOf(subject: Subject): Readonly<Record<string, Readout>> {
  return subject.decided ? { [CONTRACT_READOUT]: subject.encoder.contract.readout } : trainedReadouts(subject)
}

/** Mean pooling of every state of the decoder, before the norm. */
function layersOf({ model }: VisionLanguageSubject): Record<string, Readout & { layer: LayerName }> {
  const entries = layerNames(model.shape.layers).map(
    (layer) => [`layer ${layer}`, { layer, norm: 'before', pool: 'mean' }] as const,
  )
  return Object.fromEntries(entries)
}

/** Makes vectors of some readouts of one state, by name. */
type MakerIn = (readouts: readonly string[]) => Promise<VectorMaker>

/**
 * Opens a state, gives its vectors to `work`, and closes it.
 * @param hash names the weights of the state
 */
async function inState<T>(
  { id, inputs }: Opened,
  subject: Subject,
  readouts: Readonly<Record<string, Readout>>,
  hash: string,
  work: (makerIn: MakerIn) => Promise<T>,
): Promise<T> {
  const { [CONTRACT_READOUT]: _own, ...further } = readouts
  const embedder = await Embedder.over(withState(subject, { readouts: further }), inputs)
  try {
    return await work(async (names) => {
      const maker = await makerOf(embedder, { id, readouts: names })
      return { ...maker, hash: contentHash([hash, maker.hash]) }
    })
  } finally {
    await embedder.close()
  }
}

async function inTuned<T>(
  opened: Opened,
  { trained, hash }: Tuning,
  work: (maker: VectorMaker) => Promise<T>,
): Promise<T> {
  const { subject, context } = opened
  const { train } = context.setting.tuning
  const weights = trained.tuned()
  const state = contentHash([opened.hash, hash, train])
  const readouts = trainedReadouts(subject)
  const [readout] = Object.values(readouts)
  const tuned = withState(subject, { weights, state, contract: { readout: readout! } })
  return await inState(opened, tuned, readouts, state, async (makerIn) =>
    work(await makerIn(Object.keys(readouts))),
  )
}

async function tuningOf(
  { inputs, subject, context }: Opened,
  { id, model, modelHash }: { id: string; model: TunableModel; modelHash: string },
): Promise<Tuning> {
  const { setting, world, phases, options: study, version } = context
  // Other settings have another folder: snapshots of a run with other flags stay usable for that
  // run.
  const key = contentHash([
    version,
    modelHash,
    setting.tuning,
    setting.seed,
    world.training.map(({ name, pairs }) => [name, pairs.length]),
  ])
  return await phases.time('tuning', async () => {
    const tuning = await tuneForStudy({
      id,
      model,
      modelHash,
      readouts: trainedReadouts(subject),
      rows: world.training,
      settings: setting.tuning,
      seed: setting.seed,
      inputs,
      dir: join(study.out, 'work', 'tunings', `${id}-${key.slice(0, 16)}`),
      threads: setting.threads,
      device: setting.device,
      signal: study.signal,
      warn: study.warn,
      onUpdate: ({ update, updates, loss }) =>
        study.onProgress?.({
          label: `tuning ${id}`,
          done: update,
          total: updates,
          note: `loss ${loss.toFixed(3)}`,
        }),
    })
    phases.resumed('tuning', tuning.resumedAt)
    return tuning
  })
}
