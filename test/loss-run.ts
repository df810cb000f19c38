/** @file Runs a contrastive loss on a batch of plain arrays. */

import { gradients } from '../src/engine/graph/backward.ts'
import { compile } from '../src/engine/graph/compile.ts'
import { Graph } from '../src/engine/graph/graph.ts'
import { l2Normalize } from '../src/engine/graph/reduction.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { f32, i64, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { type BatchVectors, graphScalars } from '../src/learning/tuning/losses/loss.ts'
import { makeLoss } from '../src/learning/tuning/losses/make.ts'
import type { LossSettings } from '../src/learning/tuning/losses/settings.ts'

/** Length of the vectors. */
export const WIDTH = 6
export type Matrix = number[][]

/** Vectors of any length; the rest as `BatchVectors` has it. */
export interface Batch {
  queries: Matrix
  targets: Matrix
  negatives: Matrix
  queryGroups: number[]
  targetGroups: number[]
  negativeGroups: number[]
  negativeOwner: number[]
  teacher: { targets: number[]; negatives: number[] }
}

/** Loss, figures and gradients by the graph; sizes are known only when it runs. */
export async function run(settings: LossSettings, { teacher, ...batch }: Batch) {
  const loss = makeLoss(settings)
  const graph = new Graph()
  const vectors = (name: string, size: string) => graph.input(name, 'f32', [size, WIDTH])
  const groups = (name: string, size: string) => graph.input(name, 'i64', [size])
  const raw = {
    queries: vectors('queries', 'pairs'),
    targets: vectors('targets', 'pairs'),
    negatives: vectors('negatives', 'hard'),
  }
  const input: BatchVectors = {
    ...graphScalars(graph),
    queries: l2Normalize(raw.queries),
    targets: l2Normalize(raw.targets),
    negatives: l2Normalize(raw.negatives),
    queryGroups: groups('queryGroups', 'pairs'),
    targetGroups: groups('targetGroups', 'pairs'),
    negativeGroups: groups('negativeGroups', 'hard'),
    negativeOwner: groups('negativeOwner', 'hard'),
    teacher: {
      targets: graph.input('teacherTargets', 'f32', ['pairs']),
      negatives: graph.input('teacherNegatives', 'f32', ['hard']),
    },
  }
  const built = loss.build(input)
  const trained = Object.fromEntries(
    Object.keys(loss.parameters).map((name) => [name, graph.parameter(name, 'f32', [], 'fed')]),
  )
  graph.output('loss', built.loss)
  for (const [name, value] of Object.entries(built.metrics)) graph.output(name, value)
  const wrt = { ...raw, ...trained }
  const found = gradients(built.loss, Object.values(wrt))
  for (const [i, name] of Object.keys(wrt).entries()) graph.output(`gradient/${name}`, found[i]!)
  const compiled = compile(graph)
  const session = await openSession(compiled, { weights: memoryWeights({}), threads: 1, thread: 'caller' })
  const values: Record<string, Tensor> = {
    ...Object.fromEntries(
      Object.entries({ ...loss.parameters, ...loss.stepInputs(3, 10) }).map(([name, value]) => [
        name,
        f32([], [value]),
      ]),
    ),
    teacherTargets: f32([teacher.targets.length], teacher.targets),
    teacherNegatives: f32([teacher.negatives.length], teacher.negatives),
  }
  for (const name of ['queries', 'targets', 'negatives'] as const)
    values[name] = f32([batch[name].length, WIDTH], batch[name].flat())
  for (const name of ['queryGroups', 'targetGroups', 'negativeGroups', 'negativeOwner'] as const)
    values[name] = i64([batch[name].length], batch[name])
  try {
    const outputs = await session.run(
      Object.fromEntries(compiled.inputs.map(({ name }) => [name, values[name]!])),
    )
    const flat = (name: string) => Array.from(outputs[name]!.data, Number)
    return {
      loss: flat('loss')[0]!,
      accuracy: flat('accuracy')[0]!,
      candidates: flat('candidates')[0]!,
      gradient: (name: string) => flat(`gradient/${name}`),
    }
  } finally {
    await session.close()
  }
}
