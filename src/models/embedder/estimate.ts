/**
 * @file Foretells how long a model's items will take on this machine, from its shapes and two
 * seconds of work of the same kind. No weight is read.
 */

import { costOf, type GraphCost } from '../../engine/graph/cost.ts'
import { Graph, isNode } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { keyItem, type ReadItem, readItem } from '../../inputs/data/item.ts'
import { decoderInputs } from '../families/decoder-inputs.ts'
import type { PreparedItem } from '../families/family.ts'
import type { DualEncoderModel, VisionLanguageModel } from '../families/model.ts'
import { attentionOf } from './attention.ts'
import { pairPreparer } from './dual-encoder.ts'
import type { EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import { type MachineSpeed, probeMachine } from './probe.ts'
import { SAMPLE_KINDS, type SampleKind, sampleItems } from './sample-items.ts'
import { sequencePreparer } from './sequence.ts'
import { type LoadOptions, openSubject, type Subject } from './subject.ts'
import { statesAt, TOKEN_BUDGET } from './vision-language.ts'

export interface ItemEstimate {
  /** Of the decoder, or of the text tower. */
  positions: number
  /** Floating-point operations. */
  operations: number
  /**
   * Of an item in a full batch, its ids and pixels made, reading and decoding of files left out.
   */
  seconds: number
}

export interface Estimate {
  machine: MachineSpeed
  /** Means over the built-in items of a kind; kinds that the model can't take are absent. */
  items: Partial<Record<SampleKind, ItemEstimate>>
}

export interface ItemCost extends GraphCost {
  positions: number
  /** Seconds to make ids and pixels, measured. */
  preparing: number
}

/**
 * Seconds an item: products of matrices at the rate that the machine shows at the model's width,
 * all else by its elements.
 * @throws EmbedderError `embedder/no-sample` when the model can take none of the built-in items;
 *   what `openSubject` and processors throw
 * @example (await estimateSeconds('bifocal:twin-ar')).items.both?.seconds
 */
export async function estimateSeconds(path: string, options: LoadOptions = {}): Promise<Estimate> {
  const { model, encoder } = await openSubject(path, options)
  const costOfItem = await itemCost({ model, encoder })
  const costs: { kind: SampleKind; cost: ItemCost }[] = []
  let refusal: BifocalError | undefined
  for (const { kind, item } of sampleItems()) {
    try {
      const keyed = await keyItem(item, encoder.contract.prompt.instruction)
      costs.push({ kind, cost: costOfItem(await readItem(keyed)) })
    } catch (error) {
      if (!(error instanceof BifocalError)) throw error
      refusal = error
    }
  }
  if (costs.length === 0 && refusal !== undefined) {
    throw new EmbedderError('no-sample', {
      message: `the model takes none of the built-in items: ${refusal.message}`,
      hint: refusal.hint,
    })
  }
  const machine = await speedFor({ model, encoder })
  const items = SAMPLE_KINDS.flatMap((kind) => {
    const own = costs.filter((each) => each.kind === kind).map(({ cost }) => cost)
    if (own.length === 0) return []
    const mean = (part: keyof ItemCost) => own.reduce((sum, cost) => sum + cost[part], 0) / own.length
    const operations = mean('operations')
    const seconds = mean('preparing') + operations / machine.operations + mean('elements') / machine.elements
    return [[kind, { positions: mean('positions'), operations, seconds }] as const]
  })
  return { machine, items: Object.fromEntries(items) }
}

/**
 * Measures the machine in work of a model's width and precision.
 * @throws RuntimeError for the device
 */
export async function speedFor(
  { model, encoder }: Pick<Subject, 'model' | 'encoder'>,
  seconds?: number,
): Promise<MachineSpeed> {
  const { device, threads, contract } = encoder
  const width = model.kind === 'dual-encoder' ? model.shape.dims : model.shape.hidden
  return await probeMachine({
    width,
    rows: TOKEN_BUDGET,
    precision: contract.dtype,
    device,
    threads,
    seconds,
  })
}

/**
 * Counts the work of an item in a batch of its like.
 * @throws as the family's processor; the result throws as the preparing of an item
 */
export async function itemCost({
  model,
  encoder,
}: Pick<Subject, 'model' | 'encoder'>): Promise<(item: ReadItem) => ItemCost> {
  return model.kind === 'dual-encoder' ? await pairCost(model, encoder) : await sequenceCost(model, encoder)
}

async function sequenceCost(
  model: VisionLanguageModel,
  options: EncoderOptions,
): Promise<(item: ReadItem) => ItemCost> {
  const { shape } = model
  const { contract } = options
  const prepare = await sequencePreparer(model, options)
  const seenBy = towerCost(model)
  const decoder = new Graph()
  const pieces = model.buildDecoder(rootScope(decoder), decoderInputs(decoder, shape), {
    attention: attentionOf(contract, shape),
  })
  decoder.output('states', statesAt(pieces, contract.readout))
  return (read) => {
    const [{ item, tokens }, preparing] = fastest(() => prepare(read))
    const batch = Math.max(1, Math.floor(TOKEN_BUDGET / tokens))
    const rows = 1 + item.imageIndex.reduce((most, row) => Math.max(most, row), 0)
    const sizes = new Map([
      ['batch', batch],
      ['seq', tokens],
      ['rows', batch * rows],
    ])
    const all = costOf(decoder, sizes)
    const seen = seenBy(item)
    return {
      preparing,
      positions: tokens,
      operations: all.operations / batch + seen.operations,
      elements: all.elements / batch + seen.elements,
    }
  }
}

async function pairCost(
  model: DualEncoderModel,
  options: EncoderOptions,
): Promise<(item: ReadItem) => ItemCost> {
  const { view, textLength } = model.shape
  const prepare = await pairPreparer(model, options)
  const images = new Graph()
  images.output(
    'vectors',
    model.buildImage(rootScope(images), images.input('pixels', 'f32', ['batch', ...view])).imageEmbeds,
  )
  const texts = new Graph()
  texts.output(
    'vectors',
    model.buildText(rootScope(texts), texts.input('ids', 'i64', ['batch', textLength])).textEmbeds,
  )
  const one = new Map([['batch', 1]])
  return (read) => {
    const [{ pixels, ids }, preparing] = fastest(() => prepare(read))
    const towers = [...(pixels === undefined ? [] : [images]), ...(ids === undefined ? [] : [texts])].map(
      (graph) => costOf(graph, one),
    )
    return {
      preparing,
      positions: ids?.length ?? 0,
      operations: towers.reduce((sum, { operations }) => sum + operations, 0),
      elements: towers.reduce((sum, { elements }) => sum + elements, 0),
    }
  }
}

/**
 * The first time is that of code which has not run yet.
 * @returns the result, and the seconds of the fastest of three times
 */
function fastest<T>(work: () => T): [T, number] {
  const timed = Array.from({ length: 3 }, (): [T, number] => {
    const start = performance.now()
    const made = work()
    return [made, (performance.now() - start) / 1000]
  })
  return timed.reduce((best, time) => (time[1] < best[1] ? time : best))
}

/** Counts the work of the tower, and the projector, on an item's pictures. */
export function towerCost(model: VisionLanguageModel): (item: PreparedItem) => GraphCost {
  const tower = new Graph()
  tower.output(
    'rows',
    model.buildVision(rootScope(tower), tower.input('pixel_values', 'f32', ['views', ...model.shape.view]))
      .rows,
  )
  return (item) =>
    item.views.length === 0 ? { operations: 0, elements: 0 } : costOf(tower, towerSizes(tower, item))
}

/** The sizes that a picture gives the tower's inputs. */
function towerSizes({ nodes }: Graph, { views, visionFeeds = {} }: PreparedItem): Map<string, number> {
  const feeds: Readonly<Record<string, Pick<Tensor, 'dims'>>> = visionFeeds
  const sizes = new Map([['views', views.length]])
  for (const node of nodes) {
    if (!isNode(node, 'Input')) continue
    for (const [axis, dim] of node.output.dims.entries()) {
      const size = feeds[node.attributes.name]?.dims[axis]
      if (typeof dim === 'string' && size !== undefined && !sizes.has(dim)) sizes.set(dim, size)
    }
  }
  return sizes
}
