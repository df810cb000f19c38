/**
 * @file Several adapters of one base as one: the weighted mean of their changes, or the way between
 * two of them along a sphere (SLERP). Both are sums of the products B·A with a factor each, so the
 * joined adapter holds the factors' A side by side, and is exact; or the best adapter of a smaller
 * rank.
 *
 * The magnitudes of DoRA and tensors that were trained whole are mixed themselves. With DoRA the
 * result is therefore not the mean of the merged weights, which no low rank holds.
 * @see Shoemake 1985 (SLERP); Eckart & Young 1936 (best approximation of a rank)
 */

import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Adapter, AdapterConfig, LowRankUpdate, TrainedRows } from './adapter.ts'
import { bestOfRank, type Factors, innerProduct } from './adapter-rank.ts'
import { CheckpointError } from './errors.ts'

export const MIX_METHODS = ['mean', 'slerp'] as const
export type MixMethod = (typeof MIX_METHODS)[number]

export interface AdapterShare {
  /** For messages. */
  readonly name: string
  /** Its modules and tensors bear the same names as those of the others. */
  readonly adapter: Adapter
  /** Above 0; the shares of all are scaled to the sum 1. */
  readonly weight: number
}

export interface MixOptions {
  /** `slerp` takes two adapters. Default `mean`. */
  method?: MixMethod
  /** The rank of every update; default: the sum of the adapters' ranks, which loses nothing. */
  rank?: number
}

export interface AdapterMix {
  readonly adapter: Adapter
  /** The least share, over modules, of a change's squared length that the rank keeps. */
  readonly kept: number
}

/** Directions nearer than this are mixed along the straight line. */
const PARALLEL = 0.9995

/**
 * @throws CheckpointError `checkpoint/adapter-mix` when there are fewer than two adapters, more
 *   than two for SLERP, or adapters whose changes are of different kinds
 */
export function mixedAdapter(
  given: readonly AdapterShare[],
  { method = 'mean', rank }: MixOptions = {},
): AdapterMix {
  requireAlike(given, method)
  const total = given.reduce((sum, { weight }) => sum + weight, 0)
  const shares = given.map(({ adapter, weight }) => ({ adapter, weight: weight / total }))
  const modules = new Map<string, LowRankUpdate>()
  let kept = 1
  for (const module of new Set(shares.flatMap(({ adapter }) => [...adapter.modules.keys()]))) {
    const parts = shares.flatMap(({ adapter, weight }) => {
      const update = adapter.modules.get(module)
      return update === undefined ? [] : [{ update, weight }]
    })
    const mixed = mixedUpdate(parts, method, rank)
    modules.set(module, mixed.update)
    kept = Math.min(kept, mixed.kept)
  }
  const first = shares[0]!.adapter
  const tensorOf = (of: (adapter: Adapter) => Tensor<'f32'>) =>
    mixedTensor(
      shares.map(({ adapter, weight }) => ({ value: of(adapter), weight })),
      method,
    )
  const replaced = new Map(
    [...(first.replaced ?? [])].map(([name]) => [name, tensorOf(({ replaced: own }) => own!.get(name)!)]),
  )
  const rows = new Map(
    [...(first.rows ?? [])].map(([module, { ids }]): [string, TrainedRows] => [
      module,
      { ids, values: tensorOf(({ rows: own }) => own!.get(module)!.values) },
    ]),
  )
  return {
    adapter: {
      config: configOf(first.config, modules),
      modules,
      ...(replaced.size > 0 ? { replaced } : {}),
      ...(rows.size > 0 ? { rows } : {}),
    },
    kept,
  }
}

interface Part {
  update: LowRankUpdate
  /** Of the sum 1. A module that an adapter does not change has a change of zero there. */
  weight: number
}

function mixedUpdate(
  parts: readonly Part[],
  method: MixMethod,
  rank: number | undefined,
): { update: LowRankUpdate; kept: number } {
  const [{ update: first } = { update: undefined }] = parts
  const { down, up, layout } = first!
  const factors = parts.map(({ update }) => factorsOf(update))
  const weights =
    method === 'slerp' && parts.length === 2
      ? sphereWeights(parts, factors)
      : parts.map(({ weight }) => weight)
  const joined = sideBySide(factors.map((own, i) => scaledBy(own, weights[i]!)))
  const {
    left,
    right,
    rank: found,
    kept,
  } = rank === undefined || rank >= joined.rank ? { ...joined, kept: 1 } : bestOfRank(joined, rank)
  const inner = layout === 'embedding' ? [joined.columns] : down.dims.slice(1)
  const one = <T>(of: (update: LowRankUpdate) => T | undefined) =>
    parts.flatMap(({ update }) => of(update) ?? [])
  const magnitudes = one(({ magnitude }) => magnitude)
  const shifts = parts.flatMap(({ update: { shift, scale } }, i) =>
    shift === undefined ? [] : [{ value: shift, weight: weights[i]! * scale }],
  )
  return {
    update: {
      down: f32([found, ...inner], Float32Array.from(right)),
      up: f32([up.dims[0]!, found, ...up.dims.slice(2)], Float32Array.from(left)),
      scale: 1,
      ...(layout === undefined ? {} : { layout }),
      ...(magnitudes.length === 0
        ? {}
        : { magnitude: sum(magnitudes.map((value, i) => ({ value, weight: parts[i]!.weight }))) }),
      ...(shifts.length === 0 ? {} : { shift: sum(shifts) }),
    },
    kept,
  }
}

/** `scale · B · A` as two matrices in f64. */
function factorsOf({ down, up, scale }: LowRankUpdate): Factors {
  const rank = down.dims[0]!
  return {
    rows: up.dims[0]!,
    columns: down.data.length / rank,
    rank,
    left: Float64Array.from(up.data, (value) => value * scale),
    right: Float64Array.from(down.data),
  }
}

function scaledBy(factors: Factors, weight: number): Factors {
  return { ...factors, left: factors.left.map((value) => value * weight) }
}

/** The sum of products, as one product. */
function sideBySide(all: readonly Factors[]): Factors {
  const [{ rows, columns } = { rows: 0, columns: 0 }] = all
  const rank = all.reduce((total, own) => total + own.rank, 0)
  const left = new Float64Array(rows * rank)
  const right = new Float64Array(rank * columns)
  let at = 0
  for (const own of all) {
    for (let row = 0; row < rows; row++)
      left.set(own.left.subarray(row * own.rank, (row + 1) * own.rank), row * rank + at)
    right.set(own.right, at * columns)
    at += own.rank
  }
  return { rows, columns, rank, left, right }
}

/** The factors of two changes on the arc between them; on the line where they are parallel. */
function sphereWeights(parts: readonly Part[], [a, b]: readonly Factors[]): number[] {
  const lengths = Math.sqrt(innerProduct(a!, a!) * innerProduct(b!, b!))
  return arc(
    lengths === 0 ? 1 : innerProduct(a!, b!) / lengths,
    parts.map(({ weight }) => weight),
  )
}

function arc(cosine: number, [first = 0, second = 0]: readonly number[]): number[] {
  if (!(Math.abs(cosine) < PARALLEL)) return [first, second]
  const angle = Math.acos(cosine)
  return [Math.sin(first * angle) / Math.sin(angle), Math.sin(second * angle) / Math.sin(angle)]
}

interface WeightedTensor {
  value: Tensor<'f32'>
  weight: number
}

function mixedTensor(parts: readonly WeightedTensor[], method: MixMethod): Tensor<'f32'> {
  const [a, b] = parts
  if (method === 'mean' || a === undefined || b === undefined) return sum(parts)
  const dot = (x: Tensor<'f32'>, y: Tensor<'f32'>) =>
    x.data.reduce((total, value, i) => total + value * y.data[i]!, 0)
  const lengths = Math.sqrt(dot(a.value, a.value) * dot(b.value, b.value))
  const weights = arc(
    lengths === 0 ? 1 : dot(a.value, b.value) / lengths,
    parts.map(({ weight }) => weight),
  )
  return sum(parts.map(({ value }, i) => ({ value, weight: weights[i]! })))
}

function sum(parts: readonly WeightedTensor[]): Tensor<'f32'> {
  const { dims, data } = parts[0]!.value
  const total = new Float64Array(data.length)
  for (const { value, weight } of parts)
    for (let i = 0; i < total.length; i++) total[i]! += weight * value.data[i]!
  return f32(dims, Float32Array.from(total))
}

/** Every scale is 1: alpha is the rank, of each module its own. */
function configOf(first: AdapterConfig, modules: ReadonlyMap<string, LowRankUpdate>): AdapterConfig {
  const ranks = [...modules].map(([module, { down }]) => [module, down.dims[0]!] as const)
  const rank = Math.max(1, ...ranks.map(([, own]) => own))
  const escaped = (module: string) => module.replaceAll('.', '\\.')
  const others = Object.fromEntries(
    ranks.flatMap(([module, own]) => (own === rank ? [] : [[escaped(module), own]])),
  )
  return {
    ...first,
    rank,
    alpha: rank,
    rankStabilised: false,
    rankPattern: others,
    alphaPattern: others,
    targets: [...modules.keys()].sort(),
    excluded: [],
    layers: [],
    layersPattern: [],
  }
}

/** Checks that all adapters have the same kinds of change. */
function requireAlike(given: readonly AdapterShare[], method: MixMethod): void {
  const [first, ...others] = given
  const refused = (message: string, hint: string) => new CheckpointError('adapter-mix', { message, hint })
  if (first === undefined || others.length === 0)
    throw refused('there are fewer than two adapters to join', 'Name two adapter folders at least.')
  if (method === 'slerp' && given.length > 2)
    throw refused(
      `SLERP lies between two adapters, and ${given.length} are given`,
      'Take the method mean, or two adapters.',
    )
  const bad = given.find(({ weight }) => !(weight > 0 && Number.isFinite(weight)))
  if (bad !== undefined) throw refused(`${bad.name} has the weight ${bad.weight}`, 'Give weights above 0.')
  for (const { name, adapter } of others) {
    const why = difference(first.adapter, adapter)
    if (why !== undefined)
      throw refused(
        `${first.name} and ${name} cannot be joined: ${why}`,
        'Merge each into the base and compare the models, or join adapters of one kind.',
      )
  }
}

function difference(a: Adapter, b: Adapter): string | undefined {
  if (a.config.dora !== b.config.dora) return 'one of them is DoRA'
  const names = ({ replaced, rows }: Adapter) =>
    [
      ...(replaced ?? []),
      ...[...(rows ?? [])].map(([module, { ids, values }]) => [`${module} rows ${ids}`, values] as const),
    ]
      .map(([name, { dims }]) => `${name} [${dims}]`)
      .sort()
  const [own, other] = [names(a), names(b)]
  const only = own.find((name) => !other.includes(name)) ?? other.find((name) => !own.includes(name))
  if (only !== undefined) return `only one of them has trained ${only} whole`
  // The lengths of a row that one of them leaves alone are the base's, which is not at hand.
  const lone = [...a.modules.keys(), ...b.modules.keys()].find(
    (module) => a.modules.has(module) !== b.modules.has(module),
  )
  if (a.config.dora && lone !== undefined) return `only one of them is for ${lone}`
  for (const [module, { down, up, layout, shift }] of a.modules) {
    const found = b.modules.get(module)
    if (found === undefined) continue
    const shape = (update: Pick<LowRankUpdate, 'down' | 'up'>) =>
      [update.up.dims[0], ...update.down.dims.slice(1)].join()
    if (layout !== found.layout || shape({ down, up }) !== shape(found)) return `${module} has another shape`
    if ((shift === undefined) !== (found.shift === undefined))
      return `only one of them has a bias of B in ${module}`
  }
  return undefined
}
