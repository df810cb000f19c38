/**
 * @file A model in one state, as it is or tuned: its vectors from the study's store, the choice of
 * a readout, its scores.
 */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { stacked } from '../../foundation/numeric/rows.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { LayerName, Readout } from '../../models/embedder/readout.ts'
import { type AllVectors, embedAll } from '../../models/embedder/vectors/all.ts'
import type { VectorMaker } from '../../models/embedder/vectors/maker.ts'
import { chooseReadout, meanHit1, type ReadoutChoice, scoresOf } from '../benchmark/choice.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { itemsOf } from '../benchmark/task.ts'
import type { StudyOptions, StudySetting } from './options.ts'
import type { Phases } from './phases.ts'
import type { StudyWorld } from './world.ts'

/** The parts of a study that every step reads. */
export interface StudyContext {
  readonly setting: StudySetting
  readonly world: StudyWorld
  readonly phases: Phases
  readonly options: StudyOptions
  /** Of this package: what another one left may be computed otherwise, and is not used. */
  readonly version: string
  /** Further measures of each state, instead of its scores with other queries' pictures. */
  readonly look?: Look
}

/** Measures that only some plans take, while a state can make vectors. */
export interface Look {
  /** Whether vectors of the untuned state come at every layer too, from the same pass. */
  readonly layers: boolean
  at(state: SeenState): Promise<void>
}

/** A state of a model that can make vectors. */
export interface SeenState {
  readonly name: 'untuned' | 'tuned'
  /** The readout that was chosen. */
  readonly readout: string
  /** Readouts with mean pooling of every state of the decoder, where layers are looked at. */
  readonly layers: readonly (readonly [readout: string, layer: LayerName])[]
  /** From the study's store; test items of its tasks are there. */
  vectors(items: readonly KeyedItem[]): Promise<AllVectors>
}

/** Vectors of the analysis pairs: `[pairs, dim]` each. */
export interface PairVectors {
  readonly images: Tensor<'f32'>
  readonly texts: Tensor<'f32'>
}

/** Where the vectors that were scored lie: in the study's store, under a hash, among others. */
export interface StoredAs {
  readonly hash: string
  readonly readouts: readonly string[]
  /** The one of them that was scored. */
  readonly readout: string
}

/** A model in one state: as it is, or tuned. */
export interface MeasuredState {
  readonly choice: ReadoutChoice
  /** The readout that was chosen. */
  readonly readout: Readout
  readonly scores: ModelScores
  readonly stored: StoredAs
  /** Mean test hit@1 over all tasks of every readout: said in a note, nothing is chosen by it. */
  readonly byReadout: Readonly<Record<string, number>>
  readonly pairs: PairVectors
}

/**
 * @param maker    gives the vectors of the readouts
 * @param pairs    vectors of the pairs, by readout
 */
export async function measured(
  maker: VectorMaker,
  { id, readouts }: { id: string; readouts: Readonly<Record<string, Readout>> },
  pairs: (readout: string) => PairVectors,
  context: StudyContext,
): Promise<MeasuredState> {
  const { tasks } = context.world
  const names = Object.keys(readouts)
  const choice = await chosenOn(maker, names, context)
  const vectors = await stored(maker, itemsOf(tasks, 'test'), context)
  const all = new Map<string, ModelScores>()
  for (const name of names) all.set(name, await scoresOf(id, tasks, vectors.of(name)))
  return {
    choice,
    readout: readouts[choice.readout]!,
    scores: all.get(choice.readout)!,
    stored: storedAs(maker, choice.readout, context),
    byReadout: Object.fromEntries([...all].map(([name, scores]) => [name, meanHit1(scores)])),
    pairs: pairs(choice.readout),
  }
}

/** The readout that is best on dev rows. */
export async function chosenOn(
  maker: VectorMaker,
  readouts: readonly string[],
  context: StudyContext,
): Promise<ReadoutChoice> {
  const tasks = context.world.tasks.filter(({ dev }) => dev.length > 0)
  return await chooseReadout(tasks, await stored(maker, itemsOf(tasks, 'dev'), context), readouts)
}

/** Where `stored` keeps the vectors of a readout. */
export function storedAs(maker: VectorMaker, readout: string, { version }: StudyContext): StoredAs {
  return { hash: contentHash([version, maker.hash]), readouts: maker.readouts, readout }
}

/** The study's store. */
export function storeOf({ options: { out } }: StudyContext): string {
  return join(out, 'work', 'vectors')
}

/** Vectors from the study's store. */
export async function stored(
  maker: VectorMaker,
  items: readonly KeyedItem[],
  context: StudyContext,
): Promise<AllVectors> {
  const { phases, version } = context
  const { signal, onProgress, warn } = context.options
  const vectors = await phases.time('vectors', () =>
    embedAll(storeOf(context), { ...maker, hash: contentHash([version, maker.hash]) }, items, {
      signal,
      warn,
      onProgress: ({ done, total }) => onProgress?.({ label: `embedding with ${maker.id}`, done, total }),
    }),
  )
  phases.resumed('vectors', vectors.resumed)
  return vectors
}

/** Readout → vectors of the pairs. */
export async function pairVectors(
  maker: VectorMaker,
  context: StudyContext,
): Promise<(readout: string) => PairVectors> {
  const { pairs } = context.world
  const items = pairs.flatMap(({ image, text }) => [image, text])
  const vectors = await stored(maker, items, context)
  return (readout) => {
    const of = vectors.of(readout)
    return {
      images: stacked(pairs.map(({ image }) => of(image.key))),
      texts: stacked(pairs.map(({ text }) => of(text.key))),
    }
  }
}

/** Hexadecimal. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
