/**
 * @file A probe: a small net that learns to read one property from features. What it reads on new
 * pictures says what the features hold.
 */

import { compile } from '../../../engine/graph/compile.ts'
import { gelu } from '../../../engine/graph/elementwise.ts'
import { Graph, type Value } from '../../../engine/graph/graph.ts'
import { reduceMean, tokenCrossEntropy } from '../../../engine/graph/reduction.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { f32Of } from '../../../engine/runtime/results.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { below, stream } from '../../../foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { initialWeights } from '../../../models/families/initial.ts'
import { adamW } from '../../training/adamw.ts'
import { gradientGraph, sessionStep } from '../../training/gradient.ts'
import { train } from '../../training/loop.ts'
import { openOptimizer } from '../../training/optimizer.ts'
import { schedule } from '../../training/schedule.ts'

/** Features `[n, width]` and a class for each row. */
export interface ProbeRows {
  features: Tensor<'f32'>
  classes: readonly number[]
}

export interface ProbeOptions {
  /** Number of classes. */
  classes: number
  seed: number
  threads?: number
  signal?: AbortSignal
}

const HIDDEN = 256
const STEPS = 1_500
const BATCH = 128

/**
 * Trains on the first rows and reads the others.
 * @returns for each list of rows the share that is read right
 */
export async function probe(
  training: ProbeRows,
  tests: readonly ProbeRows[],
  { classes, seed, threads = 1, signal }: ProbeOptions,
): Promise<number[]> {
  const width = training.features.dims[1]!
  const { compiled, parameters: slots } = gradientGraph((graph) => {
    const logits = classLogits(graph, width, classes)
    return { loss: reduceMean(tokenCrossEntropy(logits, graph.input('classes', 'i64', ['rows']))) }
  })
  const parameters = initialWeights(slots, { seed, layers: 1, std: 1 / Math.sqrt(width) })
  const session = await openSession(compiled, { weights: memoryWeights({}), name: 'probe', threads })
  const optimizer = await openOptimizer(parameters, [
    { rule: adamW({ weightDecay: 0.1 }), learningRate: 1e-3 },
  ])
  const feeds = (step: number) => {
    const random = stream(seed, 'probe', step)
    const rows = Array.from({ length: BATCH }, () => below(training.classes.length, random))
    return {
      features: rowsOf(training.features, rows),
      classes: i64(
        [BATCH],
        rows.map((row) => training.classes[row]!),
      ),
    }
  }
  try {
    await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds }),
      schedule: schedule({ steps: STEPS, warmup: 50, decay: 'cosine' }),
      steps: STEPS,
      clip: 1,
      signal,
    })
  } finally {
    await Promise.all([session.close(), optimizer.close()])
  }
  return await readRight(parameters, tests, { width, classes, threads, signal })
}

async function readRight(
  parameters: Readonly<Record<string, Tensor<'f32'>>>,
  tests: readonly ProbeRows[],
  {
    width,
    classes,
    threads,
    signal,
  }: { width: number; classes: number; threads: number; signal?: AbortSignal },
): Promise<number[]> {
  const graph = new Graph()
  graph.output('logits', classLogits(graph, width, classes))
  const session = await openSession(compile(graph), {
    weights: memoryWeights({}),
    name: 'probe reading',
    threads,
  })
  try {
    const shares: number[] = []
    for (const { features, classes: wanted } of tests) {
      const { data } = f32Of(await session.run({ ...parameters, features }, { signal }), 'logits')
      const right = wanted.filter((own, row) => {
        const logits = data.subarray(row * classes, (row + 1) * classes)
        return logits.every((logit, at) => at === own || logit < logits[own]!)
      })
      shares.push(right.length / wanted.length)
    }
    return shares
  } finally {
    await session.close()
  }
}

/** @returns `[rows, classes]` */
function classLogits(graph: Graph, width: number, classes: number): Value<'f32'> {
  const scope = rootScope(graph, { trainable: () => true })
  const features = graph.input('features', 'f32', ['rows', width])
  return scope.linear(gelu(scope.linear(features, 'hidden', width, HIDDEN)), 'classes', HIDDEN, classes)
}

function rowsOf({ dims, data }: Tensor<'f32'>, rows: readonly number[]): Tensor<'f32'> {
  const width = dims[1]!
  const found = new Float32Array(rows.length * width)
  for (const [i, row] of rows.entries()) found.set(data.subarray(row * width, (row + 1) * width), i * width)
  return f32([rows.length, width], found)
}
