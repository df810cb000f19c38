/** @file Products of matrices: small ones at once, large ones through the engine. */

import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { gemm } from '../../engine/graph/matmul.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { gram, shapeOf, transpose } from '../../foundation/numeric/linear.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'

/** Multiplications from which a product goes to the engine: a session opens in some 20 ms. */
const LARGE = 2 ** 25

const PRODUCT = 'product'

export interface ProductsOptions {
  /** Of the engine; default: as many as the machine has. */
  readonly threads?: number
  readonly signal?: AbortSignal
}

/** Multiplies matrices. Close it in the end. */
export class Products {
  readonly #options: ProductsOptions
  #session: Promise<Session> | undefined

  constructor(options: ProductsOptions = {}) {
    this.#options = options
  }

  /**
   * `a·bᵀ`: all inner products of rows.
   * @param a `[rowsA, dim]` @param b `[rowsB, dim]`
   * @param rounds products of this size that are to come, this one included: many small ones are
   *   worth a session too
   * @returns `[rowsA, rowsB]`
   * @throws BifocalError `tensor/size` when the widths differ; InterruptedError; RuntimeError
   */
  async times(a: Tensor<'f32'>, b: Tensor<'f32'>, rounds = 1): Promise<Tensor<'f32'>> {
    const { signal, threads } = this.#options
    if (signal?.aborted) throw new InterruptedError('the analysis', signal)
    const { rows, dim } = shapeOf(a)
    const other = shapeOf(b)
    if (rounds * rows * other.rows * dim < LARGE || other.dim !== dim) return gram(a, b)
    this.#session ??= openProduct(threads)
    return f32Of(await (await this.#session).run({ a, b }, { signal }), PRODUCT)
  }

  /** `aᵀ·b`. @param a `[rows, dimA]` @param b `[rows, dimB]` @returns `[dimA, dimB]` */
  async ofColumns(a: Tensor<'f32'>, b: Tensor<'f32'>): Promise<Tensor<'f32'>> {
    return await this.times(transpose(a), transpose(b))
  }

  async close(): Promise<void> {
    await (await this.#session)?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

async function openProduct(threads: number | undefined): Promise<Session> {
  const graph = new Graph()
  const [a, b] = [graph.input('a', 'f32', ['rows', 'dim']), graph.input('b', 'f32', ['others', 'dim'])]
  graph.output(PRODUCT, gemm(a, b, { transposeB: true }))
  const compiled = compile(graph, { outputs: [PRODUCT] })
  return await openSession(compiled, { weights: memoryWeights({}), threads, name: 'products' })
}
