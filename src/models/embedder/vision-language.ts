/**
 * @file Embeds with a vision-language model: image rows once for each distinct picture, then one
 * decoder pass for any number of readouts.
 */

import type { Graph, Value } from '../../engine/graph/graph.ts'
import { assertDirections } from '../../engine/runtime/finite.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { decoderInputs } from '../families/decoder-inputs.ts'
import type { DecoderPieces } from '../families/family.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import { modelParameters } from '../families/parameters.ts'
import { checkWeights } from '../families/weights.ts'
import { attentionOf } from './attention.ts'
import { batches } from './batching.ts'
import type { EncodeOptions, Encoder, EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { pool, poolsOf, type Readout, weightsOf } from './readout.ts'
import { type Sequence, sequenceFeeds } from './sequence.ts'
import { SequenceInputs } from './sequence-inputs.ts'
import { EmbedderSessions } from './sessions.ts'

/** Enough for one or two of the longest published sequences, and for a hundred short ones. */
export const TOKEN_BUDGET = 1024

/**
 * @param shared sequences and image rows that other states of the decoder read too; whoever gives
 *   them closes them. Default: inputs of its own
 * @throws FamilyError `family/weights`; as the family's processor; EmbedderError
 *   `embedder/layer`, `embedder/no-token`
 */
export async function visionLanguageEncoder(
  model: VisionLanguageModel,
  options: EncoderOptions,
  shared?: SequenceInputs,
): Promise<Encoder<Sequence>> {
  const { checkpoint, contract, readouts, tokenBudget = TOKEN_BUDGET } = options
  const unused = checkWeights(modelParameters(model, { head: false }), checkpoint, model.weightSpellings)
  const inputs = shared ?? (await SequenceInputs.open(model, options))
  const sessions = new EmbedderSessions(options)
  const pools = poolsOf(readouts)
  const decoder = sessions.session('decoder', (scope) => {
    const pieces = model.buildDecoder(scope, decoderInputs(scope.graph, model.shape), {
      attention: attentionOf(contract, model.shape),
    })
    for (const [i, vector] of readVectors(pieces, readouts, scope.graph).entries())
      scope.graph.output(outputOf(i), vector)
  })

  return {
    unused,
    prepare: (item) => inputs.prepare(item),
    async encode(items, { signal, onBatch, readouts: wanted }: EncodeOptions) {
      const outputs = wanted.map(outputOf)
      const lengths = items.map(({ tokens: length }) => length)
      for (const rows of batches(lengths, tokenBudget)) {
        const batch = rows.map((row) => items[row]!)
        const feeds = sequenceFeeds(batch, await inputs.table(batch, signal), pools)
        const results = await decoder.run(feeds, { outputs, signal })
        await onBatch(
          rows,
          outputs.map((output) => rowsOf(output, results, batch.length)),
        )
      }
    },
    open: async () => {
      await inputs.open()
      await decoder.open()
    },
    close: async () => {
      await sessions.close()
      if (shared === undefined) await inputs.close()
    },
  }
}

const outputOf = (readout: number) => `vector.${readout}`

/**
 * The vectors of several readouts from one pass, `[batch, dims]` each. Declares the input
 * `pool_weights` `[poolings, batch, seq]`.
 * @param suffix as of `decoderInputs`
 * @throws EmbedderError `embedder/layer`
 */
export function readVectors(
  pieces: DecoderPieces,
  readouts: readonly Readout[],
  graph: Graph,
  suffix = '',
): Value<'f32'>[] {
  const pools = poolsOf(readouts)
  const dims = [pools.length, `batch${suffix}`, `seq${suffix}`]
  const weights = graph.input(`pool_weights${suffix}`, 'f32', dims)
  return readouts.map((readout) =>
    pool(statesAt(pieces, readout), weightsOf(weights, pools.indexOf(readout.pool)), readout.dims),
  )
}

/** The states that a readout reads. @throws EmbedderError `embedder/layer` */
export function statesAt(
  { inputs, layers, norm, finalNorm }: DecoderPieces,
  { layer, norm: place }: Readout,
): Value<'f32'> {
  if (layer === 'last') return place === 'after' ? norm : layers.at(-1)!
  const states = layer === 'inputs' ? inputs : layers[layer]
  if (states !== undefined) return place === 'after' ? finalNorm(states) : states
  throw new EmbedderError('layer', {
    message: `the readout asks for layer ${layer}; the decoder has ${layers.length}`,
    hint: `Take a number from 0 to ${layers.length - 1}, "last", or "inputs" for the state before the first layer.`,
  })
}

/** @throws RuntimeError `runtime/not-finite` for a row of zeros, `runtime/result` */
function rowsOf(name: string, results: Readonly<Record<string, Tensor>>, count: number): Float32Array[] {
  const { data } = f32Of(results, name)
  const dim = data.length / count
  assertDirections(name, f32([count, dim], data))
  return Array.from({ length: count }, (_, i) => data.slice(i * dim, (i + 1) * dim))
}
