/** @file Pictures as codes of a trained image tokenizer, for the twins that read codes. */

import { compile } from '../../../engine/graph/compile.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { f32Of } from '../../../engine/runtime/results.ts'
import { openSession, type SessionOptions } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Description } from '../../../inputs/scenes/scene.ts'
import type { Sheets } from '../../../inputs/scenes/sheets.ts'
import type { ConvolutionStack } from '../../../models/families/mmada/config.ts'
import { codesOf, encodeImage } from '../../../models/families/mmada/image-tokenizer.ts'
import { codePixels } from './batch.ts'
import { CODE_PICTURE, CODES } from './shape.ts'

export interface CodeReader {
  /** `[pictures][codes]`, row by row of a picture. @throws InterruptedError */
  codes(pictures: readonly Description[], sheets: Sheets, signal?: AbortSignal): Promise<number[][]>
  close(): Promise<void>
}

/** @param encoder the image tokenizer's parameters, `encoder.…`; others are not used */
export async function openCodeReader(
  encoder: Readonly<Record<string, Tensor>>,
  stack: ConvolutionStack,
  options: Pick<SessionOptions, 'threads' | 'thread'>,
): Promise<CodeReader> {
  const graph = new Graph()
  const pixels = graph.input('pixels', 'f32', ['batch', 3, CODE_PICTURE, CODE_PICTURE])
  graph.output('codes', codesOf(encodeImage(rootScope(graph), stack, pixels)))
  const weights = memoryWeights(encoder)
  const session = await openSession(compile(graph), { weights, name: 'code reader', ...options })
  return {
    async codes(pictures, sheets, signal) {
      if (pictures.length === 0) return []
      const { data } = f32Of(await session.run({ pixels: codePixels(pictures, sheets) }, { signal }), 'codes')
      return pictures.map((_, i) => Array.from(data.subarray(i * CODES, (i + 1) * CODES)))
    },
    close: () => session.close(),
  }
}
