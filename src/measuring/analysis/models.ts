/** @file Analyses models on pairs: their vectors in use, layer by layer, one against the other. */

import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { checkOptions, type OptionSchemas } from '../../foundation/files/options.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import { openAllPairs } from '../../inputs/data/pairs/open.ts'
import type { GivenPairs } from '../../inputs/data/pairs/settings.ts'
import { memorySource, type PairSource } from '../../inputs/data/pairs/source.ts'
import { loadOptionSchemas } from '../../models/embedder/options.ts'
import { layerNames, type Readout } from '../../models/embedder/readout.ts'
import { type LoadOptions, openSubject, type Subject } from '../../models/embedder/subject.ts'
import { readoutWords } from '../benchmark/words.ts'
import { type AblationSource, ablate } from './ablations.ts'
import { analyseAlignment, compareAlignment } from './alignment.ts'
import { type Analysis, type AnalysisFigures, emptyAnalysis, figuresOf } from './analysis.ts'
import { embeddedPairs } from './embedded-pairs.ts'
import { AnalysisError } from './errors.ts'
import { fusedFigures, matrixOf } from './fused.ts'
import { type FusedItem, fusedItems, type ItemPair, itemPairs } from './item-pairs.ts'
import { foundBothWays } from './matching.ts'
import { IN_USE, type ModelVectors, modelVectors } from './model-vectors.ts'
import { type AnalysisOptions, analysisOptionSchemas, SEED } from './options.ts'
import { FEWEST_DRAWN, type Pairs, requireEnough, unitPairs } from './pairs.ts'
import { Products } from './products.ts'
import { rescore } from './remedies/rescore.ts'
import { addRemedies } from './vectors.ts'

export interface AnalyzeModelsOptions extends AnalysisOptions {
  /** Models as `Embedder.load` takes them; the first one is compared with each other one. */
  models: readonly string[]
  /** Pairs as `tune` reads them, or a source in memory; default: 400 of the shipped pictures. */
  data?: readonly GivenPairs[] | PairSource
  /** Pairs at most; default 2,000. */
  limit?: number
  /** Whether each model is also compared with itself without its adapter. */
  base?: boolean
  /** Whether every layer is measured; default true. */
  layers?: boolean
  /** Whether readouts are compared: layers, norms, poolings, attention, dims, bits. */
  ablate?: boolean
  /** A folder in which vectors are kept. */
  vectors?: string
  /** How models are opened. */
  load?: Omit<LoadOptions, 'readouts' | 'signal' | 'threads' | 'warn'>
  warn?: (message: string) => void
}

const { onProgress, ...plainSchemas } = analysisOptionSchemas
const schemas: OptionSchemas<AnalyzeModelsOptions> = {
  ...plainSchemas,
  onProgress,
  models: z.array(z.string().min(1)).min(1),
  data: z.custom((value) => typeof value === 'object' && value !== null, 'expected a list of sources'),
  limit: z.int().min(8),
  base: z.boolean(),
  layers: z.boolean(),
  ablate: z.boolean(),
  vectors: z.string().min(1),
  load: z.custom((value) => typeof value === 'object' && value !== null, 'expected an object'),
  warn: loadOptionSchemas.warn,
}

const PAIRS = 400
const LIMIT = 2000

/**
 * Measures how models align images and texts, layer by layer; compares models on the same pairs;
 * scores remedies.
 * @throws UsageError `usage/option`, `usage/arguments`; AnalysisError; as `openPairs`,
 *   `openSubject` and `Embedder.embed`; InterruptedError
 * @example
 * const { comparisons } = await analyzeModels({ models: ['my-embedder', 'bifocal:twin-ar'] })
 */
export async function analyzeModels(options: AnalyzeModelsOptions): Promise<Analysis> {
  checkOptions('analyzeModels', schemas, options, ['models'])
  const { seed = SEED, resamples, sample } = options
  const analysis = emptyAnalysis('models', { seed, resamples, sample })
  requireDistinctNames(options.models)
  const pairs = await pairsOf(options, analysis)
  requireEnough(
    pairs.map(({ cluster }) => cluster),
    analysis.notes,
  )
  const states = await statesOf(options)
  analysis.inputs.push(...options.models.map((name) => ({ role: 'model' as const, name })))
  const fused = (['image', 'text'] as const).map((side) => ({ side, items: fusedItems(pairs, side) }))
  const read: { state: State; vectors: ModelVectors[] }[] = []
  for (const state of states) read.push({ state, vectors: await vectorsOf(state, pairs, fused, options) })
  const kept = pairs.filter(({ image, text }) =>
    read.every(({ vectors }) => vectors.every(({ of }) => of(IN_USE)(image) && of(IN_USE)(text))),
  )
  if (kept.length < pairs.length) analysis.notes.push(leftOut(pairs, read))
  if (kept.length < FEWEST_DRAWN) {
    throw new AnalysisError('too-few', {
      message: `${kept.length} pairs are left, expected at least ${FEWEST_DRAWN}: ${leftOut(pairs, read)}`,
      hint: 'A model must embed both sides of a pair: the picture and the text.',
    })
  }
  analysis.notes.push(...requireEnough(kept.map(({ cluster }) => cluster)))
  const work = new ModelAnalysis(analysis, kept, options)
  for (const { state, vectors } of read) {
    const [own, ...others] = vectors
    await work.measure(state, own!)
    if (options.remedies !== false) await work.remedy(state, own!)
    for (const { side, items } of fused) await work.fuse(state, own!, pairs, side, items)
    if (options.ablate) await work.ablate(state, [own!, ...others])
  }
  await work.compare(read.map(({ state, vectors }) => ({ state, own: vectors[0]! })))
  return analysis
}

/** A model in one state, and the readouts that are looked at. */
interface State {
  readonly id: string
  readonly subject: Subject
  /** Layers of the curve, by name. */
  readonly layers: Readonly<Record<string, Readout>>
  /** Readouts to compare, by name. */
  readonly grid: Readonly<Record<string, Readout>>
  /** The same weights under another attention, for the comparison of readouts. */
  readonly others: readonly Subject[]
}

async function pairsOf(
  { data, limit = LIMIT, seed = SEED, signal, warn }: AnalyzeModelsOptions,
  analysis: Analysis,
): Promise<readonly ItemPair[]> {
  if (data === undefined) {
    const made = await embeddedPairs({ seed, count: Math.min(limit, PAIRS) })
    analysis.inputs.push({ role: 'pairs', name: 'the shipped pictures and captions' })
    const source = memorySource(
      'embedded',
      made.map(({ image, text }) => ({ query: image, target: text, negatives: [] })),
    )
    return (await itemPairs([source], limit, signal)).pairs
  }
  const isSource = !Array.isArray(data)
  const opened = isPairSource(data)
    ? [data]
    : (await openAllPairs(data, { seed, warn, signal })).map(({ source }) => source)
  try {
    analysis.inputs.push(...opened.map(({ name }) => ({ role: 'pairs' as const, name })))
    const { pairs, notes } = await itemPairs(opened, limit, signal)
    analysis.notes.push(...notes)
    return pairs
  } finally {
    if (!isSource) for (const source of opened) await source.close()
  }
}

function isPairSource(data: readonly GivenPairs[] | PairSource): data is PairSource {
  return !Array.isArray(data)
}

/**
 * @throws UsageError `usage/arguments` for `base` of a model without an adapter; as `openSubject`
 */
async function statesOf(options: AnalyzeModelsOptions): Promise<State[]> {
  const { models, base, load, signal, threads, warn } = options
  const opening = { ...load, signal, threads, warn }
  const taken = new Set<string>()
  const states: State[] = []
  for (const model of models) {
    const subject = await openSubject(model, opening)
    states.push(await stateOf(free(model, taken), subject, model, options))
    if (!base) continue
    if (subject.adapter === undefined) {
      throw new UsageError('arguments', {
        message: `${model} has no adapter: there is no base that it was tuned from`,
        hint: 'Name the model before its tuning as a second model instead of asking for the base.',
      })
    }
    const before = await openSubject(model, { ...opening, adapter: 'none' })
    // Prompt and readout stay those of the tuned model, so that only the weights differ.
    states.push(await stateOf(free(`${model} without its adapter`, taken), before, model, options))
  }
  for (const [i, { id, subject }] of states.entries()) {
    const same = states.slice(0, i).find((other) => isSame(other.subject, subject))
    if (same !== undefined) throw oneModel(same.id, id)
  }
  return states
}

/** @throws UsageError `usage/arguments` */
function requireDistinctNames(models: readonly string[]): void {
  const again = models.find((model, i) => models.indexOf(model) < i)
  if (again !== undefined) throw oneModel(again, again)
}

/** Whether two models have the same files and the same contract. */
function isSame(a: Subject, b: Subject): boolean {
  return (
    resolve(a.dir) === resolve(b.dir) &&
    a.adapterFolder === b.adapterFolder &&
    isDeepStrictEqual(a.encoder.contract, b.encoder.contract)
  )
}

function oneModel(a: string, b: string): UsageError {
  return new UsageError('arguments', {
    message: a === b ? `${a} is named twice` : `${a} and ${b} are one model`,
    hint: 'Name each model once: it differs from itself in nothing.',
  })
}

function free(name: string, taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const id = number === 1 ? name : `${name} ${number}`
    if (taken.has(id)) continue
    taken.add(id)
    return id
  }
}

async function stateOf(
  id: string,
  subject: Subject,
  path: string,
  { layers = true, ablate: ablating = false, load, signal, threads, warn }: AnalyzeModelsOptions,
): Promise<State> {
  const { model, encoder } = subject
  const none = { id, subject, layers: {}, grid: {}, others: [] }
  if (model.kind !== 'vision-language') return none
  const names = layerNames(model.shape.layers)
  const curve = names.map((layer): [string, Readout] => [
    `layer ${layer}`,
    { layer, norm: 'before', pool: 'mean' },
  ])
  if (!ablating) return { ...none, layers: Object.fromEntries(layers ? curve : []) }
  const pools = [...new Set([...POOLS, encoder.contract.readout.pool])]
  const grid = pools.flatMap((pool) => [
    ...names.map((layer): Readout => ({ layer, norm: 'before', pool })),
    { layer: 'last', norm: 'after', pool } as const,
  ])
  const { attention } = encoder.contract
  const native = model.shape.nativeAttention
  const own = attention === 'native' ? (typeof native === 'object' ? 'block' : native) : attention
  const kinds = (['causal', 'bidirectional'] as const).filter((kind) => kind !== own)
  const adapter = subject.adapter === undefined ? ({ adapter: 'none' } as const) : {}
  const others: Subject[] = []
  for (const kind of kinds)
    others.push(await openSubject(path, { ...load, ...adapter, attention: kind, signal, threads, warn }))
  return {
    id,
    subject,
    layers: Object.fromEntries(layers ? curve : []),
    grid: Object.fromEntries(grid.map((readout) => [gridName(readout), readout])),
    others,
  }
}

/** Poolings that every item has positions for. */
const POOLS: readonly Readout['pool'][] = ['last', 'mean', 'weighted']

function gridName({ layer, norm, pool }: Readout): string {
  return `${layer} ${norm} ${pool}`
}

/** Of the model as it is, then under other attention. */
async function vectorsOf(
  { id, subject, layers, grid, others }: State,
  pairs: readonly ItemPair[],
  fused: readonly { items: readonly FusedItem[] }[],
  { vectors: dir, signal, warn, onProgress: told }: AnalyzeModelsOptions,
): Promise<ModelVectors[]> {
  const own = pairs.flatMap(({ image, text }) => [image, text])
  const further = fused.flatMap(({ items }) =>
    items.flatMap(({ imageAlone, textAlone, otherImage, otherText }) => [
      imageAlone,
      textAlone,
      otherImage,
      otherText,
    ]),
  )
  const options = {
    ...{ id, dir, signal, warn },
    onProgress: (at: { done: number; total: number }) => told?.({ label: `embedding with ${id}`, ...at }),
  }
  const made = [
    await modelVectors(subject, [...own, ...further], { ...options, readouts: { ...layers, ...grid } }),
  ]
  for (const other of others) made.push(await modelVectors(other, own, { ...options, readouts: grid }))
  return made
}

function leftOut(
  pairs: readonly ItemPair[],
  read: readonly { state: State; vectors: readonly ModelVectors[] }[],
): string {
  for (const { state, vectors } of read) {
    for (const { skipped } of vectors) {
      const bad = pairs.filter(({ image, text }) => skipped.has(image.key) || skipped.has(text.key))
      const [first] = bad
      if (first === undefined) continue
      const why = skipped.get(first.image.key) ?? skipped.get(first.text.key)
      return `pairs were left out that a model could not embed, ${bad.length} of them by ${state.id}: ${why}`
    }
  }
  return 'pairs were left out'
}

/** Adds what it finds to an analysis. */
class ModelAnalysis {
  readonly #analysis: Analysis
  readonly #pairs: readonly ItemPair[]
  readonly #options: AnalyzeModelsOptions
  readonly #clusters: readonly string[]

  constructor(analysis: Analysis, pairs: readonly ItemPair[], options: AnalyzeModelsOptions) {
    this.#analysis = analysis
    this.#pairs = pairs
    this.#options = options
    this.#clusters = pairs.map(({ cluster }) => cluster)
  }

  async measure({ id, subject, layers }: State, vectors: ModelVectors): Promise<void> {
    const names = [IN_USE, ...Object.keys(layers)]
    const figures: AnalysisFigures = []
    for (const [done, name] of names.entries()) {
      this.#options.onProgress?.({ label: `measures of ${id}`, done, total: names.length })
      const found = await analyseAlignment(this.#pairsOf(vectors, name), this.#measuring())
      const layer = layers[name]?.layer ?? null
      figures.push(...figuresOf(found, layer === 'last' ? null : layer))
    }
    this.#analysis.subjects.push({
      id,
      label: id,
      readout: subject.model.kind === 'dual-encoder' ? null : readoutWords(subject.encoder.contract.readout),
      dim: this.#pairsOf(vectors, IN_USE).images.dims[1]!,
      pairs: this.#pairs.length,
      sampled: Math.min(this.#pairs.length, this.#analysis.setting.sample),
      clusters: new Set(this.#clusters).size,
      figures,
    })
  }

  async compare(all: readonly { state: State; own: ModelVectors }[]): Promise<void> {
    const [first, ...others] = all
    for (const other of others) {
      this.#options.onProgress?.({ label: 'comparing', done: 0, total: others.length })
      const [a, b] = [this.#pairsOf(first!.own, IN_USE), this.#pairsOf(other.own, IN_USE)]
      this.#analysis.comparisons.push({
        a: first!.state.id,
        b: other.state.id,
        figures: figuresOf(await compareAlignment(a, b, this.#measuring())),
      })
    }
  }

  async remedy({ id }: State, vectors: ModelVectors): Promise<void> {
    const { threads, signal, seed = SEED } = this.#options
    const pairs = unitPairs(this.#pairsOf(vectors, IN_USE))
    this.#options.onProgress?.({ label: `remedies for ${id}`, done: 0, total: 1 })
    addRemedies(this.#analysis, id, await rescore(pairs, { seed, clusters: this.#clusters, threads, signal }))
  }

  async fuse(
    { id }: State,
    vectors: ModelVectors,
    pairs: readonly ItemPair[],
    side: 'image' | 'text',
    items: readonly FusedItem[],
  ): Promise<void> {
    const { threads, signal, seed = SEED } = this.#options
    await using products = new Products({ threads, signal })
    const found = await fusedFigures(items, pairs, vectors.of(IN_USE), { side, seed, products })
    if (found === undefined) return
    const forward = pairs[items[0]!.pair]!.forward === (side === 'image')
    this.#analysis.fused.push({ subject: id, side: forward ? 'query' : 'target', ...found })
  }

  async ablate({ id, subject, grid, others }: State, vectors: readonly ModelVectors[]): Promise<void> {
    const { threads, signal, seed = SEED, onProgress: told } = this.#options
    if (subject.model.kind !== 'vision-language') {
      this.#analysis.notes.push(`${id} is a dual encoder: it has one readout`)
      return
    }
    await using products = new Products({ threads, signal })
    const { readout, attention } = subject.encoder.contract
    const source = (
      name: string,
      made: ModelVectors,
      at: Omit<AblationSource, 'score' | 'dim'>,
    ): AblationSource => {
      const { images, texts } = this.#pairsOf(made, name)
      return {
        ...at,
        dim: images.dims[1]!,
        score: (form) => foundBothWays({ images: form(images), texts: form(texts) }, products),
      }
    }
    const sources = [
      source(IN_USE, vectors[0]!, { readout, attention, base: true }),
      ...[subject, ...others].flatMap((state, i) =>
        Object.entries(grid)
          .filter(([name]) => i > 0 || name !== gridName(readout))
          .map(([name, one]) =>
            source(name, vectors[i]!, {
              readout: one,
              attention: state.encoder.contract.attention,
              base: false,
            }),
          ),
      ),
    ]
    const rows = await ablate(sources, {
      seed,
      clusters: this.#clusters,
      onProgress: (at) => told?.({ label: `readouts of ${id}`, ...at }),
    })
    this.#analysis.ablations.push({ subject: id, score: 'recall@1, mean of both ways', rows })
  }

  #measuring() {
    const { seed = SEED, resamples, sample, threads, signal } = this.#options
    return { seed, resamples, sample, threads, signal, clusters: this.#clusters }
  }

  #pairsOf({ of }: ModelVectors, readout: string): Pairs {
    const vectorOf = of(readout)
    const side = (item: (pair: ItemPair) => KeyedItem) =>
      matrixOf(this.#pairs.flatMap((pair) => vectorOf(item(pair)) ?? []))
    return { images: side(({ image }) => image), texts: side(({ text }) => text) }
  }
}
