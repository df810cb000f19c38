/**
 * @file Answers of the twins: written one token after another, or filled into masks, the surest
 * first. Greedy, so they are a function of the weights.
 */

import { compile } from '../../engine/graph/compile.ts'
import { add, cast, div } from '../../engine/graph/elementwise.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { gather } from '../../engine/graph/indexing.ts'
import { reshape, transpose } from '../../engine/graph/shaping.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { openSession, type Session, type SessionOptions } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { i64, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { drawBatch } from './pictures.ts'
import { HIDDEN, IMAGE_TOKENS, PICTURE_SIZE } from './recipe.ts'
import { imagePositions, rowOf } from './rows.ts'
import { openSight } from './sight.ts'
import type { TowerWorld } from './tower-batch.ts'
import { shownAt } from './twin-batch.ts'
import type { TwinSamples } from './twin-samples.ts'
import { seesCodes, type Twin, twinModel } from './twins/twin.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

/** Rows of one forward pass. */
const BATCH = 64

/** A sequence being written. */
interface Draft {
  readonly ids: number[]
  /** Where the answer starts. */
  readonly start: number
  /** Number of its picture among the features of the batch. */
  readonly picture: number | undefined
}

/** Logits `[positions, vocabulary]` at the given positions of each draft, row by row. */
type Forward = (drafts: readonly Draft[], positions: readonly (readonly number[])[]) => Promise<Tensor<'f32'>>

export interface Writer {
  /**
   * The answers to the prompts of samples, in words.
   * @param length tokens of an answer at most, its end token included
   * @throws InterruptedError
   */
  answers(at: TowerWorld, drawn: TwinSamples, length: number): Promise<string[]>
  close(): Promise<void>
}

/**
 * @param parameters all of the twin's, the tower's included, by canonical name
 * @param options    where the sessions run, and what stops them
 */
export async function openWriter(
  twin: Twin,
  parameters: Readonly<Record<string, Tensor>>,
  { signal, ...options }: Pick<SessionOptions, 'threads' | 'thread'> & { signal?: AbortSignal } = {},
): Promise<Writer> {
  const model = twinModel(twin)
  const weights = memoryWeights(parameters)
  const sight = await openSight(twin, parameters, options)
  const vision = seesCodes(twin)
    ? undefined
    : await openSession(visionGraph(model), { weights, name: `${twin.name} tower`, ...options })
  const decoder = await openSession(decoderGraph(model, twin), {
    weights,
    name: `${twin.name} decoder`,
    ...options,
  })
  const write = twin.objective === 'next-token' ? writeOn : fillIn
  return {
    async answers(at, { samples, pictures }, length) {
      const answers: string[] = []
      for (let from = 0; from < samples.length; from += BATCH) {
        const to = from + BATCH
        const own = { samples: samples.slice(from, to), pictures: pictures.slice(from, to) }
        const seen = await sight.see(own, at, signal)
        const rows = vision && (await featureRows(vision, own, at))
        let next = 0
        const drafts = own.samples.map((sample, i): Draft => {
          const { prompt, hasFeatures } = rowOf(at, sample, shownAt(seen, i))
          return { ids: prompt, start: prompt.length, picture: hasFeatures ? next++ : undefined }
        })
        const forward: Forward = async (active, positions) => {
          const { image_index, ...words } = feedsOf(active, positions)
          const features: Record<string, Tensor> =
            rows === undefined ? {} : { image_index: image_index!, image_rows: rows }
          const { logits } = await decoder.run({ ...words, ...features }, { signal })
          return toF32(logits!)
        }
        await write(drafts, length, forward)
        answers.push(...drafts.map(({ ids, start }) => wordsOf(ids.slice(start), at)))
      }
      return answers
    },
    close: async () => void (await Promise.all([vision?.close(), decoder.close(), sight.close()])),
  }

  async function featureRows(session: Session, { pictures }: TwinSamples, { sheets }: TowerWorld) {
    const shown = pictures.filter((picture) => picture !== null)
    if (shown.length === 0) return zeros([IMAGE_TOKENS, HIDDEN])
    return (await session.run({ pixels: drawBatch(shown, sheets) }, { signal })).rows!
  }
}

/** `pixels` `[views, 96, 96, 3] u8` → `rows` `[views·16, hidden]`. */
function visionGraph(model: VisionLanguageModel) {
  const graph = new Graph()
  const bytes = graph.input('pixels', 'u8', ['views', PICTURE_SIZE, PICTURE_SIZE, 3])
  const pixels = add(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), -1)
  graph.output('rows', model.buildVision(rootScope(graph), pixels).rows)
  return compile(graph)
}

function decoderGraph(model: VisionLanguageModel, twin: Twin) {
  const graph = new Graph()
  const ids = (input: string) => graph.input(input, 'i64', ['batch', 'seq'])
  const words = { inputIds: ids('input_ids'), attentionMask: ids('attention_mask') }
  const features = seesCodes(twin)
    ? {}
    : { imageIndex: ids('image_index'), imageRows: graph.input('image_rows', 'f32', ['rows', HIDDEN]) }
  const pieces = model.buildDecoder(
    rootScope(graph),
    { ...words, ...features },
    { attention: twin.attention },
  )
  const states = gather(reshape(pieces.norm, [-1, HIDDEN]), graph.input('positions', 'i64', ['positions']))
  graph.output('logits', pieces.head(states))
  return compile(graph)
}

function feedsOf(
  drafts: readonly Draft[],
  positions: readonly (readonly number[])[],
): Record<string, Tensor> {
  const seq = Math.max(...drafts.map(({ ids }) => ids.length))
  const dims = [drafts.length, seq]
  const padded = (values: (draft: Draft) => readonly number[], fill: number) =>
    i64(
      dims,
      drafts.flatMap((draft) => {
        const own = values(draft)
        return [...own, ...new Array<number>(seq - own.length).fill(fill)]
      }),
    )
  const flat = positions.flatMap((own, row) => own.map((position) => row * seq + position))
  return {
    input_ids: padded(({ ids }) => ids, SPECIAL_IDS.eos),
    attention_mask: padded(({ ids }) => ids.map(() => 1), 0),
    image_index: padded(({ picture }) => (picture === undefined ? [] : imagePositions(picture)), -1),
    positions: i64([flat.length], flat),
  }
}

/** Next-token: each draft grows by its likeliest token until it ends. */
async function writeOn(drafts: readonly Draft[], length: number, forward: Forward): Promise<void> {
  for (let step = 0; step < length; step++) {
    const active = drafts.filter(({ ids, start }) => ids.length === start || ids.at(-1) !== SPECIAL_IDS.eos)
    if (active.length === 0) return
    const logits = await forward(
      active,
      active.map(({ ids }) => [ids.length - 1]),
    )
    for (const [row, { ids }] of active.entries()) ids.push(likeliest(logits, row).id)
  }
}

/**
 * Masked diffusion: `length` masks, one filled at each step, where the model is surest.
 * @see specs/lavida.md §6.5 (low_confidence, one token a step)
 */
async function fillIn(drafts: readonly Draft[], length: number, forward: Forward): Promise<void> {
  for (const { ids } of drafts) ids.push(...new Array<number>(length).fill(SPECIAL_IDS.mask))
  const open = drafts.map(({ start }) => Array.from({ length }, (_, i) => start + i))
  for (let step = 0; step < length; step++) {
    const logits = await forward(drafts, open)
    let at = 0
    for (const [row, own] of open.entries()) {
      const found = own.map((position) => ({ position, ...likeliest(logits, at++) }))
      const surest = found.reduce((best, one) => (one.probability > best.probability ? one : best))
      drafts[row]!.ids[surest.position] = surest.id
      open[row] = own.filter((position) => position !== surest.position)
    }
  }
}

/** The first of the likeliest tokens and its probability. */
function likeliest({ dims, data }: Tensor<'f32'>, row: number): { id: number; probability: number } {
  const vocabulary = dims[1]!
  const own = data.subarray(row * vocabulary, (row + 1) * vocabulary)
  let id = 0
  for (let other = 1; other < vocabulary; other++) if (own[other]! > own[id]!) id = other
  let sum = 0
  for (const logit of own) sum += Math.exp(logit - own[id]!)
  return { id, probability: 1 / sum }
}

/** The words before the first end token. */
function wordsOf(ids: readonly number[], { tokenizer }: TowerWorld): string {
  const end = ids.indexOf(SPECIAL_IDS.eos)
  return tokenizer.decode(end < 0 ? ids : ids.slice(0, end)).trim()
}
