/**
 * @file A model in one state, as it is or converted: its vectors from the study's store, the choice
 * of pooling, its scores.
 */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { mean } from '../../foundation/numeric/statistics.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Task } from '../../inputs/data/task.ts'
import type { TunedPool } from '../../learning/tuning/decoder.ts'
import { type AllVectors, embedAll, type VectorMaker } from '../../models/embedder/vectors/all.ts'
import { evaluateTask, type ModelScores } from '../benchmark/evaluate.ts'
import { itemsOf } from '../benchmark/task.ts'
import type { StudyOptions, StudySetting } from './options.ts'
import type { Phases } from './phases.ts'
import type { StudyWorld } from './world.ts'

/** What every part of a study is told. */
export interface StudyContext {
  readonly setting: StudySetting
  readonly world: StudyWorld
  readonly phases: Phases
  readonly options: StudyOptions
  /** Of this package: what another one left may be computed otherwise, and is not used. */
  readonly version: string
}

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

export async function measured(
  state: VectorMaker,
  id: string,
  context: StudyContext,
): Promise<MeasuredState> {
  const { tasks } = context.world
  const choice = await chosenPool(state, context)
  const vectors = await stored(state, itemsOf(tasks, 'test'), context)
  const all = (pool: TunedPool) => scoresOf(id, tasks, vectors, pool)
  const pairs = await pairVectors(state, context)
  const byPool = { mean: meanHit(all('mean')), last: meanHit(all('last')) }
  return { choice, scores: all(choice.pool), byPool, pairs: pairs(choice.pool) }
}

export async function chosenPool(state: VectorMaker, context: StudyContext): Promise<PoolChoice> {
  const tasks = context.world.tasks.filter(({ dev }) => dev.length > 0)
  const vectors = await stored(state, itemsOf(tasks, 'dev'), context)
  const hit = (pool: TunedPool) =>
    meanHit({ model: state.id, tasks: tasks.map((task) => evaluateTask(task, vectors.of(pool), 'dev')) })
  const dev = { mean: hit('mean'), last: hit('last') }
  return { pool: dev.last > dev.mean ? 'last' : 'mean', dev }
}

function meanHit({ tasks }: ModelScores): number {
  return mean(tasks.map(({ rows }) => mean(rows.map(({ hit1 }) => hit1))))
}

export function scoresOf(
  model: string,
  tasks: readonly Task[],
  vectors: AllVectors,
  pool: string,
): ModelScores {
  return { model, tasks: tasks.map((task) => evaluateTask(task, vectors.of(pool))) }
}

/** Vectors from the study's store. */
export async function stored(
  model: VectorMaker,
  items: readonly KeyedItem[],
  { options: { out, signal, onProgress, warn }, phases, version }: StudyContext,
): Promise<AllVectors> {
  const vectors = await phases.time('vectors', () =>
    embedAll(join(out, 'work', 'vectors'), { ...model, hash: contentHash([version, model.hash]) }, items, {
      signal,
      warn,
      onProgress: ({ done, total }) => onProgress?.({ label: `embedding with ${model.id}`, done, total }),
    }),
  )
  phases.resumed('vectors', vectors.resumed)
  return vectors
}

/** Readout → vectors of the pairs. */
export async function pairVectors(
  state: VectorMaker,
  context: StudyContext,
): Promise<(readout: string) => PairVectors> {
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
    return {
      images: stack(pairs.map(({ image }) => image.key)),
      texts: stack(pairs.map(({ text }) => text.key)),
    }
  }
}

/** Hexadecimal. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
