/**
 * @file Embeds with a vision-language model: image rows once for each distinct picture, then one
 * decoder pass for any number of readouts.
 */

import type { Value } from '../../engine/graph/index.ts'
import { assertDirections } from '../../engine/runtime/finite.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { decoderInputs } from '../families/decoder-inputs.ts'
import type { DecoderPieces } from '../families/family.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import { modelParameters } from '../families/parameters.ts'
import { checkWeights } from '../families/weights.ts'
import { batches } from './batching.ts'
import type { EncodeOptions, Encoder, EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { PictureRows } from './picture-rows.ts'
import { pool, type Readout, weightsOf } from './readout.ts'
import { type Sequence, sequenceFeeds, sequencePreparer } from './sequence.ts'
import { EmbedderSessions } from './sessions.ts'

/** Enough for one or two of the longest published sequences, and for a hundred short ones. */
export const TOKEN_BUDGET = 1024

/**
 * @throws FamilyError `family/weights` and what the processor throws; EmbedderError
 *   `embedder/layer`, `embedder/no-token`
 */
export async function visionLanguageEncoder(
  model: VisionLanguageModel,
  options: EncoderOptions,
): Promise<Encoder<Sequence>> {
  const { checkpoint, contract, readouts, tokenBudget = TOKEN_BUDGET } = options
  const unused = checkWeights(modelParameters(model, { head: false }), checkpoint, model.weightSpellings)
  const prepare = await sequencePreparer(model, options)
  const sessions = new EmbedderSessions(model, options)
  const pictures = new PictureRows(model, sessions)
  const decoder = sessions.session('decoder', (scope) => {
    const { graph } = scope
    const pieces = model.buildDecoder(scope, decoderInputs(graph, model.shape), {
      attention: contract.attention,
    })
    const weights = graph.input('pool_weights', 'f32', [readouts.length, 'batch', 'seq'])
    for (const [i, readout] of readouts.entries()) {
      graph.output(`vector.${i}`, pool(statesAt(pieces, readout), weightsOf(weights, i), readout.dims))
    }
  })

  async function run(batch: readonly Sequence[], signal: AbortSignal | undefined): Promise<Float32Array[][]> {
    const results = await decoder.run(sequenceFeeds(batch, await pictures.table(batch, signal)), signal)
    return readouts.map((_, i) => rowsOf(`vector.${i}`, results, batch.length))
  }

  return {
    unused,
    prepare,
    async encode(items, { signal, onBatch }: EncodeOptions) {
      const vectors = readouts.map(() => new Array<Float32Array>(items.length))
      const lengths = items.map(({ tokens: length }) => length)
      for (const batch of batches(lengths, tokenBudget)) {
        const made = await run(
          batch.map((row) => items[row]!),
          signal,
        )
        for (const [readout, column] of made.entries())
          for (const [i, vector] of column.entries()) vectors[readout]![batch[i]!] = vector
        await onBatch?.(batch, made[0]!)
      }
      return vectors
    },
    open: async () => {
      await pictures.open()
      await decoder.open()
    },
    close: () => sessions.close(),
  }
}

/** The states that a readout reads. @throws EmbedderError `embedder/layer` */
export function statesAt(
  { layers, norm, finalNorm }: DecoderPieces,
  { layer, norm: place }: Readout,
): Value<'f32'> {
  if (layer === 'last') return place === 'after' ? norm : layers.at(-1)!
  const states = layers[layer]
  if (states !== undefined) return place === 'after' ? finalNorm(states) : states
  throw new EmbedderError('layer', {
    message: `the readout asks for layer ${layer}; the decoder has ${layers.length}`,
    hint: `Take a number from 0 to ${layers.length - 1}, or "last".`,
  })
}

/** @throws RuntimeError `runtime/not-finite` for a row of zeros, `runtime/result` */
function rowsOf(name: string, results: Readonly<Record<string, Tensor>>, count: number): Float32Array[] {
  const { data } = f32Of(results, name)
  const dim = data.length / count
  assertDirections(name, f32([count, dim], data))
  return Array.from({ length: count }, (_, i) => data.slice(i * dim, (i + 1) * dim))
}
