/**
 * @file Muon: momentum whose update is orthogonalised by Newton–Schulz iterations; for matrices
 * inside blocks (not embeddings, heads, norms).
 *
 * The iterations are matrix products (9 GFLOP a step for a decoder of 2.5 million parameters), so
 * they run in the engine: one graph, one stack `[count, rows, columns]` for each shape.
 */

import { compile } from '../../engine/graph/compile.ts'
import { add, div, mul, sqrt } from '../../engine/graph/elementwise.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import { matMul } from '../../engine/graph/matmul.ts'
import { reduceSum } from '../../engine/graph/reduction.ts'
import { swapLast } from '../../engine/graph/shaping.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { openSession, type Session, type SessionOptions } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { sizeOf, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import { TrainingError } from './errors.ts'
import type { UpdateRule, UpdateStep } from './optimizer.ts'

export interface MuonOptions {
  /** Nesterov momentum; default 0.95. */
  momentum?: number
  /** Share of a parameter taken away at each update, times the learning rate; default 0. */
  weightDecay?: number
  /**
   * Factor of the step by the shape `[rows, columns]`: `original` × √max(1, rows / columns)
   * (Jordan et al. 2024; learning rates near 0.02), `match-rms-adamw` × 0.2·√max(rows, columns)
   * (Liu et al. 2025, "Moonlight"; takes AdamW's learning rates). Default `original`.
   */
  scale?: 'original' | 'match-rms-adamw'
  /** Device that runs the iterations. */
  session?: Pick<SessionOptions, 'device' | 'threads' | 'thread'>
}

/** Quintic coefficients and number of iterations of Jordan et al. 2024. */
const COEFFICIENTS = [3.4445, -4.775, 2.0315] as const
const ITERATIONS = 5

interface Slot {
  name: string
  parameter: Float32Array
  momentum: Tensor<'f32'>
}

/** All matrices of one shape. */
interface Stack {
  rows: number
  columns: number
  slots: Slot[]
}

/**
 * @throws TrainingError `training/no-matrix` when a parameter is no matrix
 * @see Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; torch.optim.Muon (same order
 *   of operations; there the iterations run in bf16, here in f32)
 */
export function muon({
  momentum = 0.95,
  weightDecay = 0,
  scale = 'original',
  session: place = {},
}: MuonOptions = {}): UpdateRule {
  return {
    async start(parameters) {
      const stacks = stackByShape(parameters)
      const session = await openSession(orthogonalGraph(stacks), {
        name: 'muon',
        weights: memoryWeights({}),
        ...place,
      })
      const slots = stacks.flatMap((stack) => stack.slots)
      return {
        state: Object.fromEntries(slots.map((slot) => [`${slot.name}/momentum`, slot.momentum])),
        async update(gradients, at) {
          const updates = stacks.map(({ rows, columns, slots }) => {
            const size = rows * columns
            const stacked = zeros([slots.length, rows, columns])
            for (const [i, slot] of slots.entries()) {
              const gradient = gradients[slot.name]
              if (gradient === undefined) continue
              const into = stacked.data.subarray(i * size, (i + 1) * size)
              nesterov(slot.momentum.data, gradient.data, into, momentum, at.gradientScale)
            }
            return stacked
          })
          const directions = await orthogonalise(session, stacks, updates)
          for (const [s, { rows, columns, slots }] of stacks.entries()) {
            const size = rows * columns
            const factor =
              scale === 'original'
                ? Math.sqrt(Math.max(1, rows / columns))
                : 0.2 * Math.sqrt(Math.max(rows, columns))
            for (const [i, { name, parameter }] of slots.entries()) {
              if (gradients[name] === undefined) continue
              move(parameter, directions[s]!.subarray(i * size, (i + 1) * size), at, factor, weightDecay)
            }
          }
        },
        close: () => session.close(),
      }
    },
  }
}

function stackByShape(parameters: Readonly<Record<string, Tensor<'f32'>>>): Stack[] {
  const stacks = new Map<string, Stack>()
  for (const [name, { dims, data }] of Object.entries(parameters)) {
    const [rows, columns] = dims
    if (dims.length !== 2 || rows === undefined || columns === undefined || sizeOf(dims) === 0) {
      throw new TrainingError('no-matrix', {
        message: `${name} has shape [${dims}]; Muon updates matrices`,
        hint: 'Give it to a group with AdamW.',
      })
    }
    const slot = { name, parameter: data, momentum: zeros(dims) }
    const known = stacks.get(dims.join())
    if (known === undefined) stacks.set(dims.join(), { rows, columns, slots: [slot] })
    else known.slots.push(slot)
  }
  return [...stacks.values()]
}

/** `m ← m + (1 − μ)(g − m)`; the update is `g + μ(m − g)`. */
function nesterov(
  momentum: Float32Array,
  gradient: Float32Array,
  out: Float32Array,
  decay: number,
  gradientScale: number,
): void {
  for (let i = 0; i < momentum.length; i++) {
    const g = gradient[i]! * gradientScale
    const m = momentum[i]! + (1 - decay) * (g - momentum[i]!)
    momentum[i] = m
    out[i] = g + decay * (m - g)
  }
}

function move(
  parameter: Float32Array,
  direction: Float32Array,
  { learningRate }: UpdateStep,
  factor: number,
  weightDecay: number,
): void {
  const keep = 1 - learningRate * weightDecay
  const rate = learningRate * factor
  for (let i = 0; i < parameter.length; i++) parameter[i] = keep * parameter[i]! - rate * direction[i]!
}

const stackName = ({ rows, columns }: Stack) => `${rows}x${columns}`

async function orthogonalise(
  session: Session,
  stacks: readonly Stack[],
  updates: readonly Tensor<'f32'>[],
): Promise<Float32Array[]> {
  const results = await session.run(
    Object.fromEntries(stacks.map((stack, s) => [stackName(stack), updates[s]!])),
  )
  return stacks.map((stack) => f32Of(results, `orthogonal/${stackName(stack)}`).data)
}

function orthogonalGraph(stacks: readonly Stack[]) {
  const graph = new Graph()
  for (const stack of stacks) {
    const x = graph.input(stackName(stack), 'f32', [stack.slots.length, stack.rows, stack.columns])
    graph.output(`orthogonal/${stackName(stack)}`, newtonSchulz(x, stack.rows > stack.columns))
  }
  return compile(graph)
}

/**
 * Brings the singular values of each matrix close to 1 (0.7 … 1.2).
 * @param x `[count, rows, columns]`; `tall` ones are worked on transposed, because the products are
 *   of the shorter side
 */
function newtonSchulz(x: Value<'f32'>, tall: boolean): Value<'f32'> {
  const [a, b, c] = COEFFICIENTS
  let y = tall ? swapLast(x) : x
  y = div(y, add(sqrt(reduceSum(mul(y, y), [1, 2], true)), 1e-7))
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = matMul(y, swapLast(y))
    const polynomial = add(mul(gram, b), mul(matMul(gram, gram), c))
    y = add(mul(y, a), matMul(polynomial, y))
  }
  return tall ? swapLast(y) : y
}
