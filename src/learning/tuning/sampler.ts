/**
 * @file Batches of interleaved sub-batches, each of one task: a pure function of seed and step, so
 * that a resumed run sees the same rows.
 */

import { shuffle, stream } from '../../foundation/numeric/random.ts'
import { TuningError } from './errors.ts'

/** The training rows of one task. */
interface SampledTask {
  readonly name: string
  /** Number of rows. */
  rows: number
  /** Share of sub-batches relative to the other tasks'; default 1. */
  weight?: number
}

export interface SamplerOptions {
  tasks: readonly SampledTask[]
  /** Pairs in a batch; a multiple of `subBatch`. */
  batch: number
  /** Consecutive pairs of one task. In-batch negatives of the same task are the hard ones. */
  subBatch: number
  seed: number
}

/** One pair of a batch. */
export interface SampledPair {
  task: string
  row: number
}

/** Step index → the pairs of its batch. */
export type Sampler = (step: number) => SampledPair[]

/**
 * Each task is gone through in a new order every epoch, without replacement. Sub-batches are dealt
 * by systematic sampling: a task of weight `w` gets its share of each batch rounded up or down, and
 * exactly its share on average.
 * @throws TuningError `tuning/sampler`
 * @see specs/vlm2vec-mmeb.md §5.4 (interleaved sub-batches; there drawn with replacement and read
 *   in file order)
 */
export function sampler({ tasks, batch, subBatch, seed }: SamplerOptions): Sampler {
  requireUsable(tasks, batch, subBatch)
  const perBatch = batch / subBatch
  const orders = tasks.map(({ name, rows }) => epochOrders(name, rows, seed))
  // Sub-batches of each task before step 0, 1, …: counted once, the same whatever the order of the
  // calls.
  const before: number[][] = [tasks.map(() => 0)]
  const countBefore = (step: number): readonly number[] => {
    for (let known = before.length - 1; known < step; known++) {
      const counts = [...before[known]!]
      for (const task of deal(tasks, perBatch, seed, known)) counts[task]!++
      before.push(counts)
    }
    return before[step]!
  }
  return (step) => {
    const counts = [...countBefore(step)]
    return deal(tasks, perBatch, seed, step).flatMap((task) => {
      const first = counts[task]!++ * subBatch
      return Array.from({ length: subBatch }, (_, i) => ({
        task: tasks[task]!.name,
        row: orders[task]!(first + i),
      }))
    })
  }
}

/**
 * Indices of the tasks that the sub-batches of a step belong to: equally spaced points on the
 * tasks' weights, laid end to end in a new order.
 */
function deal(tasks: readonly SampledTask[], count: number, seed: number, step: number): number[] {
  const random = stream(seed, 'tasks', step)
  const order = shuffle(
    tasks.map((_, i) => i),
    random,
  )
  const total = tasks.reduce((sum, { weight = 1 }) => sum + weight, 0)
  const offset = random()
  const dealt: number[] = []
  let end = 0
  for (const task of order) {
    end += ((tasks[task]!.weight ?? 1) / total) * count
    while (dealt.length < count && dealt.length + offset < end) dealt.push(task)
  }
  // Rounding of the weights' sum may leave the last point behind the end.
  while (dealt.length < count) dealt.push(order.findLast((task) => (tasks[task]!.weight ?? 1) > 0)!)
  return dealt
}

/** Position in the endless sequence of epochs → row. */
function epochOrders(name: string, rows: number, seed: number): (position: number) => number {
  let epoch = -1
  let order: number[] = []
  return (position) => {
    const wanted = Math.floor(position / rows)
    if (wanted !== epoch) {
      epoch = wanted
      order = shuffle(
        Array.from({ length: rows }, (_, i) => i),
        stream(seed, 'rows', name, epoch),
      )
    }
    return order[position % rows]!
  }
}

function requireUsable(tasks: readonly SampledTask[], batch: number, subBatch: number): void {
  const weights = tasks.map(({ weight = 1 }) => weight)
  const problems = [
    !(subBatch >= 1 && batch >= 1 && batch % subBatch === 0) &&
      `a batch of ${batch} is no multiple of sub-batches of ${subBatch}`,
    !weights.some((weight) => weight > 0) && 'no task has a weight above 0',
    ...tasks.map(({ name, rows }) => rows < 1 && `task ${name} has no rows`),
    ...tasks.map(
      ({ name }, i) =>
        !(weights[i]! >= 0 && weights[i]! < Infinity) && `task ${name} has the weight ${weights[i]}`,
    ),
    new Set(tasks.map(({ name }) => name)).size < tasks.length && 'two tasks have one name',
  ].filter((problem) => problem !== false)
  if (problems.length === 0) return
  throw new TuningError('sampler', {
    message: `no batches can be made: ${problems.join('; ')}`,
    hint: 'Give tasks with rows and finite weights of 0 or more, and a batch that is a multiple of the sub-batch.',
  })
}
