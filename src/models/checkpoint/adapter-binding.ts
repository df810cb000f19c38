/**
 * @file Binds an adapter to its base model: finds the weight that each tensor of the adapter
 * changes, under any spelling of the names.
 */

import type { WeightSource } from '../../engine/runtime/weights.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { Adapter, LowRankUpdate } from './adapter.ts'
import { mergedBias, mergedWeight, withRows } from './adapter-merge.ts'
import { isTargeted } from './adapter-targets.ts'
import { CheckpointError } from './errors.ts'

/** The model to adapt, as its family and its files describe it. */
export interface AdapterBase {
  /** Every parameter by its canonical name. */
  parameters: readonly { name: string; dims: readonly number[] }[]
  /** Names under which files, and adapters, spell a parameter. */
  spellings(name: string): string[]
  /** The tensors of the files, also of layers that never run. */
  tensors: ReadonlyMap<string, { readonly dims: readonly number[] }>
}

/** One change to a whole weight. */
export type WeightEdit = (weight: Tensor<'f32'>) => Tensor<'f32'>

export interface BoundAdapter {
  /**
   * Updates of linear layers, by canonical name without `.weight`. A graph can run them beside the
   * weights.
   */
  readonly linears: ReadonlyMap<string, LowRankUpdate>
  /**
   * Changes of all other weights, by canonical name, in the order in which to make them. The first
   * one gets the base's weight.
   */
  readonly edits: ReadonlyMap<string, readonly WeightEdit[]>
  /**
   * Changes of weights that the files have and the model never runs: those of layers after the last
   * one that it uses.
   */
  readonly idle: ReadonlyMap<string, readonly WeightEdit[]>
  /** Modules that the config targets, but for which the adapter has no tensors. */
  readonly untouched: readonly string[]
}

/** How many names a message lists before it only counts. */
const LISTED = 5

/**
 * Finds the weights that an adapter changes.
 * @throws CheckpointError `checkpoint/adapter-target` when a tensor is for no weight of the model
 *   or has another shape, when two updates are for one weight, or when the model would use no
 *   tensor
 */
export function bindAdapter(adapter: Adapter, base: AdapterBase): BoundAdapter {
  const find = weightFinder(base)
  const linears = new Map<string, LowRankUpdate>()
  const edits = new Map<string, WeightEdit[]>()
  const idle = new Map<string, WeightEdit[]>()
  const updated = new Set<string>()
  const problems: string[] = []
  /** @param got the shape in the adapter, where it is not the weight's */
  const place = (
    spelled: string,
    got: (dims: readonly number[]) => string | undefined,
    edit: WeightEdit,
    update?: LowRankUpdate,
  ) => {
    const found = find(spelled)
    // A tied head has no tensor of its own, and no vector depends on it.
    if (found === undefined && /(^|\.)lm_head\./.test(spelled)) return
    const wrong = found && got(found.dims)
    if (found === undefined) problems.push(`${spelled} is not in the base model`)
    else if (wrong !== undefined)
      problems.push(`${spelled} is [${found.dims}] in the base model, ${wrong} in the adapter`)
    else if (update !== undefined && updated.has(found.name))
      problems.push(`${spelled} is a second update of ${found.name}`)
    else if (found.used && update !== undefined && (update.layout ?? 'linear') === 'linear')
      linears.set(found.name.replace(/\.weight$/, ''), update)
    else {
      const changes = found.used ? edits : idle
      changes.set(found.name, [...(changes.get(found.name) ?? []), edit])
    }
    if (found !== undefined && update !== undefined) updated.add(found.name)
  }
  const ofShape = (value: Tensor) => (dims: readonly number[]) =>
    dims.join() === value.dims.join() ? undefined : `[${value.dims}]`
  // Whole tensors first: an update of the same weight acts on them.
  for (const [spelled, value] of adapter.replaced ?? []) place(spelled, ofShape(value), () => value)
  for (const [module, rows] of adapter.rows ?? []) {
    const got = ([count = 0, dim]: readonly number[]) =>
      dim === rows.values.dims[1] && rows.ids.every((id) => id < count)
        ? undefined
        : `rows ${rows.ids} of [${rows.values.dims}]`
    place(`${module}.weight`, got, (table) => withRows(table, rows))
  }
  for (const [module, update] of adapter.modules) {
    const got = (dims: readonly number[]) =>
      updateDims(update) === matrixDims(dims, update) ? undefined : `[${updateDims(update)}]`
    place(`${module}.weight`, got, (weight) => mergedWeight(weight, update), update)
    const { shift, scale } = update
    if (shift !== undefined) place(`${module}.bias`, ofShape(shift), (bias) => mergedBias(bias, shift, scale))
  }
  if (problems.length > 0) throw unfit(listed(problems))
  if (linears.size + edits.size === 0)
    throw unfit(
      idle.size === 0
        ? 'the adapter has no tensors for it'
        : `the model uses none of ${listed([...idle.keys()])}`,
    )
  return { linears, edits, idle, untouched: untouchedModules(adapter, base, updated) }
}

/**
 * The changes that merge the whole adapter into the weights: its updates of linear layers, its
 * other changes, and those of weights that the model never runs.
 * @returns by canonical name
 */
export function mergedEdits({
  linears,
  edits,
  idle,
}: BoundAdapter): ReadonlyMap<string, readonly WeightEdit[]> {
  const all = new Map<string, readonly WeightEdit[]>([...edits, ...idle])
  for (const [module, update] of linears) {
    const name = `${module}.weight`
    all.set(name, [...(edits.get(name) ?? []), (weight) => mergedWeight(weight, update)])
  }
  return all
}

/**
 * Makes the changed weights.
 * @param read gives the base's weight by its canonical name
 */
export async function editedWeights(
  edits: ReadonlyMap<string, readonly WeightEdit[]>,
  read: (name: string) => Promise<Tensor<'f32'>>,
): Promise<Map<string, Tensor<'f32'>>> {
  const edited = new Map<string, Tensor<'f32'>>()
  for (const [name, changes] of edits) {
    let weight = await read(name)
    for (const change of changes) weight = change(weight)
    edited.set(name, weight)
  }
  return edited
}

/** A source that takes some weights from arrays, and the others from `base`. */
export function withArrays(base: WeightSource, arrays: ReadonlyMap<string, Tensor<'f32'>>): WeightSource {
  return {
    locate(name) {
      const tensor = arrays.get(name)
      return tensor === undefined ? base.locate(name) : { kind: 'memory', tensor }
    },
  }
}

/** A weight of the base. */
export interface FoundWeight {
  /** The canonical name, or the name in the files where the family has none. */
  name: string
  dims: readonly number[]
  /** Whether the model has it as a parameter. */
  used: boolean
}

/** The numbers of layers in a path. */
const NUMBER = /(?<=\.)\d+(?=\.)/g

/**
 * Finds weights under any spelling of their names. It also finds weights that the model never runs:
 * a layer after the last one that it uses (the name follows from another layer's), a tower's own
 * pooling, a head.
 */
export function weightFinder({
  parameters,
  spellings,
  tensors,
}: AdapterBase): (spelled: string) => FoundWeight | undefined {
  const names = new Map<string, FoundWeight>()
  const skeletons = new Map<string, string>()
  for (const { name, dims } of parameters) {
    for (const spelled of [name, ...spellings(name)]) {
      if (!names.has(spelled)) names.set(spelled, { name, dims, used: true })
      skeletons.set(spelled.replace(NUMBER, '#'), name)
    }
  }
  const bare = (name: string) => name.replace(/^model\./, '')
  const stored = new Map(
    [...tensors].map(([name, { dims }]) => [bare(name), names.get(name) ?? { name, dims, used: false }]),
  )
  return (spelled) => {
    const known = names.get(spelled)
    const alike = skeletons.get(spelled.replace(NUMBER, '#'))
    if (known !== undefined || alike === undefined) return known ?? stored.get(bare(spelled))
    const numbers = spelled.match(NUMBER) ?? []
    let at = 0
    const name = alike.replace(NUMBER, () => numbers[at++]!)
    const file = spellings(name).find((candidate) => tensors.has(candidate))
    return file === undefined ? undefined : { name, dims: tensors.get(file)!.dims, used: false }
  }
}

/** Rows and columns of the weight that an update is for. */
function updateDims({ down, up, layout }: LowRankUpdate): string {
  const [rank = 1] = down.dims
  if (layout === 'embedding') return [down.dims[1], up.dims[0]].join()
  return [up.dims[0], down.data.length / rank].join()
}

/** A weight's shape, that of a convolution's kernel as a matrix. */
function matrixDims(dims: readonly number[], { layout }: LowRankUpdate): string {
  if (layout !== 'convolution') return dims.join()
  return [dims[0]!, dims.slice(1).reduce((size, dim) => size * dim, 1)].join()
}

/**
 * Modules that the config targets under one of their names, but for which the adapter has no
 * tensor.
 * @param updated canonical names of the weights that the adapter updates, under whatever name
 */
function untouchedModules(
  { config }: Adapter,
  { parameters, spellings }: AdapterBase,
  updated: ReadonlySet<string>,
): string[] {
  if (config.targets === 'all-linear') return []
  return parameters.flatMap(({ name, dims }) => {
    if (dims.length < 2 || !name.endsWith('.weight') || updated.has(name)) return []
    const spelled = spellings(name).map((spelling) => spelling.replace(/\.weight$/, ''))
    return spelled.some((module) => isTargeted(config, module)) ? [spelled[0]!] : []
  })
}

function unfit(why: string): CheckpointError {
  return new CheckpointError('adapter-target', {
    message: `the adapter does not fit the base model: ${why}`,
    hint: 'Take the base model and revision that adapter_config.json names.',
  })
}

function listed(names: readonly string[]): string {
  return (
    names.slice(0, LISTED).join('; ') + (names.length > LISTED ? `; and ${names.length - LISTED} more` : '')
  )
}
