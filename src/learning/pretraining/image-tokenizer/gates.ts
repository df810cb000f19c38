/**
 * @file The bars of an image tokenizer: what its codes still tell of a picture, beside what the
 * same probe reads from the pixels.
 * @see specs/twins.md §5
 */

import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Description } from '../../../inputs/scenes/scene.ts'
import type { ConvolutionStack } from '../../../models/families/mmada/config.ts'
import { signsOf } from '../../../models/families/mmada/image-tokenizer.ts'
import { type Gate, type GateOptions, gate } from '../gates.ts'
import { type Reading, readingsOf } from '../readings.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { codePixels } from './batch.ts'
import { openCodeJudge } from './judge.ts'
import { CODES } from './shape.ts'

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

/** @throws InterruptedError */
export async function imageTokenizerGates(
  { model, stack }: { model: string; stack: ConvolutionStack },
  at: TowerWorld,
  parameters: Parameters,
  options: GateOptions,
): Promise<Gate[]> {
  const { seed, threads, signal } = options
  const judge = await openCodeJudge(at, stack, seed, { threads })
  try {
    const { psnr, perplexity, used } = await judge.measure(parameters, signal)
    const features = {
      model,
      width: CODES * stack.bits,
      of: async (pictures: readonly Description[], stop?: AbortSignal) =>
        signsOf([...(await judge.codes(parameters, codePixels(pictures, at.sheets), stop))], stack.bits, [
          1,
          CODES,
        ]),
    }
    const { background, silhouette, label, withheld } = await readingsOf(at, features, options)
    const of = (name: string, { features: value, pixels }: Reading, bound: number, more: string) =>
      gate({
        model,
        name,
        value,
        bound,
        bounded: 'at least',
        beside: `${percent(pixels)} from pixels${more}`,
      })
    const codes = `; ${psnr.toFixed(1)} dB, ${used} of ${2 ** stack.bits} codes used, perplexity ${perplexity.toFixed(0)}`
    const unseen = `; withheld drawings ${percent(withheld.features)} from codes, ${percent(withheld.pixels)} from pixels`
    return [
      of('background read from codes', background, 0.99, codes),
      of("a silhouette's colour read from codes", silhouette, 0.85, ''),
      of('label read from codes, new rendering', label, label.pixels / 2, unseen),
    ]
  } finally {
    await judge.close()
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
