/** @file Measures of an image tokenizer on pictures that no training showed. */

import { compile } from '../../../engine/graph/compile.ts'
import { less, where } from '../../../engine/graph/elementwise.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { f32Of } from '../../../engine/runtime/results.ts'
import { openSession, type SessionOptions } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { ConvolutionStack } from '../../../models/families/mmada/config.ts'
import { codesOf, decodeImage, encodeImage } from '../../../models/families/mmada/image-tokenizer.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { codeBatch } from './batch.ts'
import { CODE_PICTURE, CODES } from './shape.ts'

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

interface CodeAccuracy {
  /** Peak signal-to-noise ratio of the pictures rebuilt from codes, in decibels. */
  psnr: number
  /** The exponential of the entropy of the codes: as many equally frequent codes would have it. */
  perplexity: number
  /** Distinct codes. */
  used: number
}

/** Pictures to codes and back, with the parameters of the call. */
export interface CodeJudge {
  /** @param pixels `[n, 3, side, side]` @returns `[n · codes]` */
  codes(parameters: Parameters, pixels: Tensor<'f32'>, signal?: AbortSignal): Promise<Float32Array>
  /** @throws InterruptedError */
  measure(parameters: Parameters, signal?: AbortSignal): Promise<CodeAccuracy>
  close(): Promise<void>
}

/** Held-out pictures, in batches. */
const PICTURES = 512
const BATCH = 64

/** @param options where the session runs */
export async function openCodeJudge(
  at: TowerWorld,
  stack: ConvolutionStack,
  seed: number,
  options: Pick<SessionOptions, 'threads'>,
): Promise<CodeJudge> {
  const graph = new Graph()
  const scope = rootScope(graph, { trainable: () => true })
  const pixels = graph.input('pixels', 'f32', ['batch', 3, CODE_PICTURE, CODE_PICTURE])
  const latents = encodeImage(scope, stack, pixels)
  graph.output('codes', codesOf(latents))
  graph.output('rebuilt', decodeImage(scope, stack, where(less(graph.scalar(0), latents), 1, -1)))
  const compiled = compile(graph)
  const session = await openSession(compiled, { weights: memoryWeights({}), name: 'code-judge', ...options })
  const wanted = new Set(compiled.inputs.map(({ name }) => name))
  const run = async (
    parameters: Parameters,
    pictures: Tensor<'f32'>,
    outputs: string[],
    signal?: AbortSignal,
  ) => {
    const own = Object.entries(parameters).filter(([name]) => wanted.has(name))
    return await session.run({ ...Object.fromEntries(own), pixels: pictures }, { outputs, signal })
  }
  return {
    codes: async (parameters, pictures, signal) =>
      f32Of(await run(parameters, pictures, ['codes'], signal), 'codes').data,
    async measure(parameters, signal) {
      const counts = new Map<number, number>()
      let squares = 0
      let values = 0
      for (let batch = 0; batch < PICTURES / BATCH; batch++) {
        const { pixels: drawn } = codeBatch(at, { batch: BATCH, seed, steps: 0 }, batch, 'test')
        const results = await run(parameters, drawn, ['codes', 'rebuilt'], signal)
        for (const code of f32Of(results, 'codes').data) counts.set(code, (counts.get(code) ?? 0) + 1)
        for (const [i, value] of f32Of(results, 'rebuilt').data.entries())
          squares += (value - drawn.data[i]!) ** 2
        values += drawn.data.length
      }
      const all = PICTURES * CODES
      const entropy = [...counts.values()].reduce((sum, n) => sum - (n / all) * Math.log(n / all), 0)
      // Values run from −1 to 1: the peak is 2.
      return {
        psnr: 10 * Math.log10(4 / (squares / values)),
        perplexity: Math.exp(entropy),
        used: counts.size,
      }
    },
    close: () => session.close(),
  }
}
