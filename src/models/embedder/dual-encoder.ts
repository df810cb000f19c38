/**
 * @file Embeds with a dual encoder: each tower by itself, the sum of both vectors where an item has
 * a picture and words.
 */

import { assertDirections } from '../../engine/runtime/finite.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { l2NormaliseRows } from '../../foundation/numeric/linear.ts'
import { f32, i64, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { ReadItem } from '../../inputs/data/item.ts'
import type { DualEncoderModel } from '../families/model.ts'
import { modelParameters } from '../families/parameters.ts'
import { checkWeights } from '../families/weights.ts'
import { chunks, indices } from './batching.ts'
import type { Encodable, EncodeOptions, Encoder, EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { applyImagePolicy } from './image-policy.ts'
import { itemReader } from './item-reader.ts'
import { EmbedderSessions } from './sessions.ts'
import { leading } from './vectors/leading.ts'

export interface Pair extends Encodable {
  readonly pixels: Tensor<'f32'> | undefined
  readonly ids: readonly number[] | undefined
}

/** Items a run. */
const BATCH = 64

/**
 * The towers pool by themselves: of a readout only `dims` counts.
 * @throws FamilyError `family/weights`; as the family's processor
 */
export async function dualEncoder(model: DualEncoderModel, options: EncoderOptions): Promise<Encoder<Pair>> {
  const { checkpoint, readouts } = options
  const { view, dims, textLength } = model.shape
  const unused = checkWeights(modelParameters(model, { scale: false }), checkpoint, model.weightSpellings)
  const prepare = await pairPreparer(model, options)
  const read = itemReader(options.warn)
  const sessions = new EmbedderSessions(options)
  const images = sessions.session('image tower', (scope) => {
    scope.graph.output(
      'vectors',
      model.buildImage(scope, scope.graph.input('pixels', 'f32', ['batch', ...view])).imageEmbeds,
    )
  })
  const texts = sessions.session('text tower', (scope) => {
    scope.graph.output(
      'vectors',
      model.buildText(scope, scope.graph.input('ids', 'i64', ['batch', textLength])).textEmbeds,
    )
  })

  return {
    unused,
    prepare: async (item) => prepare(await read(item)),
    async encode(items, { signal, onBatch, readouts: wanted }: EncodeOptions) {
      const kept = wanted.map((place) => readouts[place]?.dims)
      for (const rows of chunks(indices(items.length), BATCH)) {
        const batch = rows.map((row) => items[row]!)
        const sum = new Float32Array(batch.length * dims)
        const add = (rows: readonly number[], results: Readonly<Record<string, Tensor>>) => {
          const made = f32Of(results, 'vectors')
          assertDirections('vectors', made)
          for (const [i, row] of rows.entries())
            for (let d = 0; d < dims; d++) sum[row * dims + d]! += made.data[i * dims + d]!
        }
        const pictured = batch.flatMap(({ pixels }, row) => (pixels === undefined ? [] : [{ row, pixels }]))
        if (pictured.length > 0) {
          const data = new Float32Array(pictured.length * sizeOf(view))
          for (const [i, { pixels }] of pictured.entries()) data.set(pixels.data, i * sizeOf(view))
          add(
            pictured.map(({ row }) => row),
            await images.run({ pixels: f32([pictured.length, ...view], data) }, { signal }),
          )
        }
        const worded = batch.flatMap(({ ids }, row) => (ids === undefined ? [] : [{ row, ids }]))
        if (worded.length > 0) {
          const ids = i64(
            [worded.length, textLength],
            worded.flatMap((row) => row.ids),
          )
          add(
            worded.map(({ row }) => row),
            await texts.run({ ids }, { signal }),
          )
        }
        const { data } = l2NormaliseRows(f32([batch.length, dims], sum))
        const made = batch.map((_, i) => data.slice(i * dims, (i + 1) * dims))
        const columns = kept.map((cut) =>
          cut === undefined ? made : made.map((vector) => leading(vector, cut)),
        )
        await onBatch(rows, columns)
      }
    },
    open: async () => {
      await images.open()
      await texts.open()
    },
    close: () => sessions.close(),
  }
}

/**
 * Makes pairs of items, as the contract says.
 * @throws as the family's processor. For an item: EmbedderError `embedder/several-images`,
 *   `embedder/too-long`; MediaError
 */
export async function pairPreparer(
  model: DualEncoderModel,
  { checkpoint, contract }: Pick<EncoderOptions, 'checkpoint' | 'contract'>,
): Promise<(item: ReadItem) => Pair> {
  const { textLength } = model.shape
  const processor = await model.processor(checkpoint.dir)
  return ({ instruction, text, pictures }) => {
    const [picture, ...more] = pictures
    if (more.length > 0) {
      throw new EmbedderError('several-images', {
        message: `the item has ${pictures.length} images, the image tower takes one`,
        hint: 'Give each image an item of its own.',
      })
    }
    // A text tower trained on captions has not learnt instructions: one counts only where nothing
    // else is said.
    const words = text ?? (picture === undefined ? instruction : undefined)
    // A text that is far too long is refused before it is tokenized.
    const tooLong =
      words !== undefined &&
      contract.truncation === 'error' &&
      processor.tokenizer.surelyLonger(words, textLength)
    const length = words === undefined || tooLong ? 0 : processor.tokenizer.encode(words).length
    if (tooLong || (length > textLength && contract.truncation === 'error')) {
      throw new EmbedderError('too-long', {
        message: `the text has ${tooLong ? `more than ${textLength}` : length} tokens, the text tower takes ${textLength}`,
        hint: 'Shorten the text, or cut it as the reference does with truncation "reference".',
      })
    }
    const pixels = picture && processor.pixels(applyImagePolicy(picture, contract.image))
    const ids = words === undefined ? undefined : processor.ids(words)
    return { pixels, ids, tokens: length, bytes: (pixels?.data.byteLength ?? 0) + 8 * textLength }
  }
}
