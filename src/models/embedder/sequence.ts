/**
 * @file An item as a sequence that a vision-language model reads: prompt, ids, weights of its
 * poolings; and the feeds of a padded batch of them. Embedding and training both use it.
 */

import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { ReadItem } from '../../inputs/data/item.ts'
import { positionFeeds } from '../families/decoder-inputs.ts'
import type { Processor } from '../families/family.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import type { Encodable, EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { applyImagePolicy } from './image-policy.ts'
import type { PicturedItem, RowTable } from './picture-rows.ts'
import { type Pool, type PoolTokens, poolsOf, poolWeights, poolWeightsFeed, type Readout } from './readout.ts'
import { partsOf, templatePrompt } from './template.ts'

export interface Sequence extends Encodable, PicturedItem {
  readonly prompt: string
  /** `[seq]` for each pooling that the item was prepared for. */
  readonly weights: ReadonlyMap<Pool, Float32Array>
}

/** All that decides how an item becomes a sequence. */
export type PreparingOptions = Pick<EncoderOptions, 'checkpoint' | 'contract' | 'readouts' | 'stray'>

/**
 * Makes sequences of items as the contract says: its prompt, instruction, picture policy, positions
 * and truncation.
 * @throws EmbedderError `embedder/no-token`; as the family's processor. For an item: FamilyError,
 *   MediaError, ReadoutError, EmbedderError `embedder/no-slot`
 */
export async function sequencePreparer(
  model: VisionLanguageModel,
  { checkpoint, contract, readouts, stray }: PreparingOptions,
): Promise<(item: ReadItem) => Sequence> {
  const processor = await model.processor(checkpoint.dir)
  const tokens = {
    eos: processor.tokenizer.special.eos,
    mask: model.shape.maskId ?? maskToken(checkpoint.config, processor),
  }
  const appendIds = appendedTokens(readouts, tokens, contract.masks)
  const { prompt: said, truncation, maxLength, family: settings } = contract
  const pools = poolsOf(readouts)
  return ({ instruction: own, text, pictures, pictureKey }) => {
    const parts = partsOf({ instruction: own, text, images: pictures.length }, said)
    const { prompt, instructionEnd } =
      said.template === undefined
        ? processor.prompt(parts)
        : templatePrompt(said.template, parts, said.placeholder)
    const images = pictures.map((picture) => applyImagePolicy(picture, contract.image))
    const options = { instructionEnd, appendIds, truncation, maxLength, stray, settings }
    const item = processor.prepare(prompt, images, options)
    const { inputIds, imageIndex, spans } = item
    const poolable = { inputIds, imageIndex, text: spans.text, tailStart: spans.tailStart }
    return {
      prompt,
      item,
      pictureKey,
      tokens: item.inputIds.length,
      bytes: item.views.reduce((sum, { data }) => sum + data.byteLength, 16 * item.inputIds.length),
      weights: new Map(pools.map((pool) => [pool, poolWeights(pool, poolable, tokens)])),
    }
  }
}

/**
 * Feeds of a batch, padded on the right.
 * @param table  the image rows, of this batch or of several; without rows where the graph makes
 *   them
 * @param pools  the poolings of the graph, in its order
 * @param suffix as of `decoderInputs`
 */
export function sequenceFeeds(
  batch: readonly Sequence[],
  table: Pick<RowTable, 'index'> & Partial<Pick<RowTable, 'rows'>>,
  pools: readonly Pool[],
  suffix = '',
): Record<string, Tensor> {
  const seq = Math.max(...batch.map(({ tokens }) => tokens))
  const padded = (fill: number, row: (sequence: Sequence) => readonly number[]) => {
    const values = new Array<number>(batch.length * seq).fill(fill)
    for (const [b, sequence] of batch.entries())
      for (const [at, value] of row(sequence).entries()) values[b * seq + at] = value
    return i64([batch.length, seq], values)
  }
  return {
    [`input_ids${suffix}`]: padded(0, ({ item }) => item.inputIds),
    [`attention_mask${suffix}`]: padded(0, ({ item }) => item.inputIds.map(() => 1)),
    [`image_index${suffix}`]: padded(-1, (sequence) => table.index(sequence)),
    ...(table.rows && { image_rows: table.rows }),
    ...positionFeeds(
      batch.map(({ item }) => item),
      seq,
      [],
      `position_ids${suffix}`,
    ),
    [`pool_weights${suffix}`]: poolWeightsFeed(
      pools.map((pool) => batch.map(({ weights }) => weights.get(pool)!)),
      seq,
    ),
  }
}

/** The id that masked positions hold: config.json says it, or the tokenizer. */
function maskToken(config: Readonly<Record<string, unknown>>, { tokenizer }: Processor): number | undefined {
  const { mask_token_id: id } = config
  return typeof id === 'number' ? id : (tokenizer.special.mask ?? tokenizer.tokenId('<|mdm_mask|>'))
}

/**
 * Tokens after the prompt at which a pooling reads. All readouts of a pass share the sequence.
 * @param masks how many mask tokens stand there in any case
 */
function appendedTokens(readouts: readonly Readout[], tokens: PoolTokens, masks?: number): number[] {
  const wanted = new Set<'eos' | 'mask'>()
  for (const { pool: kind } of readouts) {
    if (kind === 'eos') wanted.add('eos')
    if (kind === 'mask' || kind === 'mask-shifted') wanted.add('mask')
  }
  if (masks !== undefined) wanted.add('mask')
  return [...wanted].flatMap((kind) => {
    const id = tokens[kind]
    if (id !== undefined) return new Array<number>(kind === 'mask' ? (masks ?? 1) : 1).fill(id)
    throw new EmbedderError('no-token', {
      message: `pool "${kind}": the model has no ${kind} token`,
      hint: 'Choose another pooling: last or mean.',
    })
  })
}
