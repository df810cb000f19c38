/** @file Embeds with a vision-language model: image rows once for each distinct picture, then one decoder pass for any number of readouts. */

import { decoderInputs, positionFeeds } from '../families/decoder-inputs.ts'
import type { DecoderPieces, PreparedItem, Processor } from '../families/family.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import { modelParameters } from '../families/parameters.ts'
import { checkWeights } from '../families/weights.ts'
import type { Value } from '../graph/index.ts'
import { f32, i64, type Tensor } from '../numeric/tensor.ts'
import { batches } from './batching.ts'
import type { Encodable, EncodeOptions, Encoder, EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import type { ReadItem } from './input.ts'
import { PictureRows } from './picture-rows.ts'
import { type PoolTokens, pool, poolWeights, poolWeightsFeed, type Readout, weightsOf } from './readout.ts'
import { EmbedderSessions } from './sessions.ts'
import { templatePrompt } from './template.ts'

interface Sequence extends Encodable {
  readonly item: PreparedItem
  readonly pictureKey: string | undefined
  /** For each readout: `[seq]`. */
  readonly weights: readonly Float32Array[]
}

/** Enough for one or two of the longest published sequences, and for a hundred short ones. */
const TOKEN_BUDGET = 1024

/**
 * @throws FamilyError `family/weights` and what the processor throws; EmbedderError `embedder/layer`, `embedder/no-token`
 */
export async function visionLanguageEncoder(model: VisionLanguageModel, options: EncoderOptions): Promise<Encoder<Sequence>> {
  const { checkpoint, contract, readouts, tokenBudget = TOKEN_BUDGET } = options
  const unused = checkWeights(modelParameters(model, { head: false }), checkpoint, model.weightSpellings)
  const processor = await model.processor(checkpoint.dir)
  const tokens = { eos: processor.tokenizer.special.eos, mask: maskToken(checkpoint.config, processor) }
  const appendIds = appendedTokens(readouts, tokens)
  const sessions = new EmbedderSessions(model, options)
  const pictures = new PictureRows(model, sessions)
  const decoder = sessions.session('decoder', (scope) => {
    const { graph } = scope
    const pieces = model.buildDecoder(scope, decoderInputs(graph, model.shape), { attention: contract.attention })
    const weights = graph.input('pool_weights', 'f32', [readouts.length, 'batch', 'seq'])
    for (const [i, readout] of readouts.entries()) {
      graph.output(`vector.${i}`, pool(statesAt(pieces, readout), weightsOf(weights, i), readout.dims))
    }
  })

  async function run(batch: readonly Sequence[], signal: AbortSignal | undefined): Promise<Float32Array[][]> {
    const seq = Math.max(...batch.map(({ tokens }) => tokens))
    const table = await pictures.table(batch, signal)
    const padded = (fill: number, row: (sequence: Sequence) => readonly number[]) => {
      const values = new Array<number>(batch.length * seq).fill(fill)
      batch.forEach((sequence, b) => {
        for (const [at, value] of row(sequence).entries()) values[b * seq + at] = value
      })
      return i64([batch.length, seq], values)
    }
    const results = await decoder.run(
      {
        input_ids: padded(0, ({ item }) => item.inputIds),
        attention_mask: padded(0, ({ item }) => item.inputIds.map(() => 1)),
        image_index: padded(-1, (sequence) => table.index(sequence)),
        image_rows: table.rows,
        ...positionFeeds(
          batch.map(({ item }) => item),
          seq,
        ),
        pool_weights: poolWeightsFeed(
          readouts.map((_, i) => batch.map(({ weights }) => weights[i]!)),
          seq,
        ),
      },
      signal,
    )
    return readouts.map((_, i) => rowsOf(results[`vector.${i}`], batch.length))
  }

  return {
    unused,
    prepare: (item) => prepared(item, { processor, options, tokens, appendIds }),
    async encode(items, { signal, onBatch }: EncodeOptions) {
      const vectors = readouts.map(() => new Array<Float32Array>(items.length))
      const lengths = items.map(({ tokens: length }) => length)
      for (const batch of batches(lengths, tokenBudget)) {
        const made = await run(
          batch.map((row) => items[row]!),
          signal,
        )
        for (const [readout, column] of made.entries()) for (const [i, vector] of column.entries()) vectors[readout]![batch[i]!] = vector
        await onBatch?.(batch, made[0]!)
      }
      return vectors
    },
    close: () => sessions.close(),
  }
}

function prepared(
  { instruction, text, pictures, pictureKey }: ReadItem,
  at: { processor: Processor; options: EncoderOptions; tokens: PoolTokens; appendIds: readonly number[] },
): Sequence {
  const { contract, readouts } = at.options
  const parts = { instruction, text, images: pictures.length }
  const { template } = contract.prompt
  const { prompt, instructionEnd } = template === undefined ? at.processor.prompt(parts) : templatePrompt(template, parts)
  const item = at.processor.prepare(prompt, pictures, { instructionEnd, appendIds: at.appendIds, truncation: contract.truncation })
  const poolable = { inputIds: item.inputIds, imageIndex: item.imageIndex, tailStart: item.spans.tailStart }
  return {
    item,
    pictureKey,
    tokens: item.inputIds.length,
    bytes: item.views.reduce((sum, { data }) => sum + data.byteLength, 16 * item.inputIds.length),
    weights: readouts.map((readout) => poolWeights(readout.pool, poolable, at.tokens)),
  }
}

function statesAt({ layers, norm, finalNorm }: DecoderPieces, { layer, norm: place }: Readout): Value<'f32'> {
  if (layer === 'last') return place === 'after' ? norm : layers.at(-1)!
  const states = layers[layer]
  if (states !== undefined) return place === 'after' ? finalNorm(states) : states
  throw new EmbedderError('layer', {
    message: `the readout asks for layer ${layer}; the decoder has ${layers.length}`,
    hint: `Take a number from 0 to ${layers.length - 1}, or "last".`,
  })
}

/** The id that masked positions hold: config.json says it, or the tokenizer. */
function maskToken(config: Readonly<Record<string, unknown>>, { tokenizer }: Processor): number | undefined {
  const { mask_token_id: id } = config
  return typeof id === 'number' ? id : (tokenizer.special.mask ?? tokenizer.tokenId('<|mdm_mask|>'))
}

/** Tokens after the prompt that a pooling reads at. All readouts of a pass share the sequence. */
function appendedTokens(readouts: readonly Readout[], tokens: PoolTokens): number[] {
  const wanted = new Set<'eos' | 'mask'>()
  for (const { pool: kind } of readouts) {
    if (kind === 'eos') wanted.add('eos')
    if (kind === 'mask' || kind === 'mask-shifted') wanted.add('mask')
  }
  return [...wanted].map((kind) => {
    const id = tokens[kind]
    if (id !== undefined) return id
    throw new EmbedderError('no-token', {
      message: `pool "${kind}": the model has no ${kind} token`,
      hint: 'Choose another pooling: last or mean.',
    })
  })
}

function rowsOf(vectors: Tensor | undefined, count: number): Float32Array[] {
  const data = vectors?.data instanceof Float32Array ? vectors.data : f32([0], []).data
  const dim = data.length / count
  return Array.from({ length: count }, (_, i) => data.slice(i * dim, (i + 1) * dim))
}
