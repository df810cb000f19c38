/** @file An adapter bound to the model that it is for: whose weights each of its tensors changes, whatever spelling of the names it uses. */

import type { Tensor } from '../numeric/tensor.ts'
import type { WeightSource } from '../runtime/weights.ts'
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
  /** Names of the tensors in the files, those of layers that never run included. */
  tensors: ReadonlyMap<string, unknown>
}

/** One change to a whole weight. */
export type WeightEdit = (weight: Tensor<'f32'>) => Tensor<'f32'>

export interface BoundAdapter {
  /** Updates of linear layers by canonical name without `.weight`: a graph can run them beside their weights. */
  readonly linears: ReadonlyMap<string, LowRankUpdate>
  /** Changes of all other weights by canonical name, in the order to be made; the first gets the base's own. */
  readonly edits: ReadonlyMap<string, readonly WeightEdit[]>
  /** Tensors for layers that the files have and the model never runs. */
  readonly idle: readonly string[]
  /** Modules that the config targets and the adapter has no tensors for. */
  readonly untouched: readonly string[]
}

/** How many names a message lists before it only counts. */
const LISTED = 5

/**
 * @throws CheckpointError `checkpoint/adapter-target` when a tensor is for no weight of the model or has another shape, or when the model would
 * use none of them
 */
export function bindAdapter(adapter: Adapter, base: AdapterBase): BoundAdapter {
  const names = spelledNames(base)
  const dims = new Map(base.parameters.map((parameter) => [parameter.name, parameter.dims]))
  const linears = new Map<string, LowRankUpdate>()
  const edits = new Map<string, WeightEdit[]>()
  const idle: string[] = []
  const problems: string[] = []
  let used = 0
  /** @param fits what is wrong with the shape, if anything */
  const place = (spelled: string, fits: (dims: readonly number[]) => string | undefined, put: (name: string) => void) => {
    const name = names.get(spelled)
    if (name === undefined) {
      if (isIdle(spelled, names, base)) idle.push(spelled)
      else problems.push(`${spelled} is not in the base model`)
      return
    }
    const wrong = fits(dims.get(name)!)
    if (wrong !== undefined) problems.push(`${spelled} is [${dims.get(name)}] in the base model, ${wrong} in the adapter`)
    else {
      used++
      put(name)
    }
  }
  const edit = (name: string, change: WeightEdit) => edits.set(name, [...(edits.get(name) ?? []), change])
  // Whole tensors first: an update of the same weight acts on them.
  for (const [spelled, value] of adapter.replaced ?? [])
    place(
      spelled,
      (expected) => (expected.join() === value.dims.join() ? undefined : `[${value.dims}]`),
      (name) => edit(name, () => value),
    )
  for (const [module, rows] of adapter.rows ?? []) {
    const fits = (expected: readonly number[]) =>
      expected[1] === rows.values.dims[1] && rows.ids.every((id) => id < expected[0]!)
        ? undefined
        : `rows ${rows.ids} of [${rows.values.dims}]`
    place(`${module}.weight`, fits, (name) => edit(name, (table) => withRows(table, rows)))
  }
  for (const [module, update] of adapter.modules) {
    const fits = (expected: readonly number[]) => (updateDims(update) === shapeOf(expected, update) ? undefined : `[${updateDims(update)}]`)
    place(`${module}.weight`, fits, (name) => {
      if (update.layout === 'embedding' || update.layout === 'convolution') edit(name, (weight) => mergedWeight(weight, update))
      else linears.set(name.replace(/\.weight$/, ''), update)
    })
    const { shift, scale } = update
    if (shift === undefined) continue
    const sameLength = (expected: readonly number[]) => (expected.join() === shift.dims.join() ? undefined : `[${shift.dims}]`)
    place(`${module}.bias`, sameLength, (name) => edit(name, (bias) => mergedBias(bias, shift, scale)))
  }
  if (problems.length > 0) throw unfit(`${listed(problems)}`)
  if (used === 0) throw unfit(idle.length === 0 ? 'the adapter has no tensors' : `the model uses none of ${listed(idle)}`)
  return { linears, edits, idle, untouched: untouchedModules(adapter, base) }
}

/**
 * Changes of weights when all updates, also those of linear layers, are merged into them.
 * @returns by canonical name
 */
export function mergedEdits({ linears, edits }: BoundAdapter): ReadonlyMap<string, readonly WeightEdit[]> {
  const all = new Map<string, readonly WeightEdit[]>(edits)
  for (const [module, update] of linears) {
    const name = `${module}.weight`
    all.set(name, [...(edits.get(name) ?? []), (weight) => mergedWeight(weight, update)])
  }
  return all
}

/** Weights with the dtype that they are stored in. */
export interface StoredWeights extends WeightSource {
  storedDtype(name: string): 'f32' | 'f16' | 'bf16'
}

/**
 * Carries out changes.
 * @param read the base's own weight by canonical name
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

/** A source in which some weights are arrays. */
export function withArrays(base: WeightSource, arrays: ReadonlyMap<string, Tensor<'f32'>>): WeightSource {
  return {
    locate(name) {
      const tensor = arrays.get(name)
      return tensor === undefined ? base.locate(name) : { kind: 'memory', tensor }
    },
  }
}

/** Spelling → canonical name. */
function spelledNames({ parameters, spellings }: AdapterBase): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { name } of parameters) for (const spelled of [name, ...spellings(name)]) if (!names.has(spelled)) names.set(spelled, name)
  return names
}

/** Numbers in a path, as layers have them. */
const NUMBER = /(?<=\.)\d+(?=\.)/g

/**
 * Whether the files have a weight that the model never runs: a layer behind the last one that is used (its name follows from that of another
 * layer), the tower's own pooling, or a head that embedding needs not.
 */
function isIdle(spelled: string, names: ReadonlyMap<string, string>, { spellings, tensors }: AdapterBase): boolean {
  const bare = (name: string) => name.replace(/^model\./, '')
  if (/(^|\.)lm_head\./.test(spelled) || [...tensors.keys()].some((name) => bare(name) === bare(spelled))) return true
  const numbers = spelled.match(NUMBER) ?? []
  for (const [other, canonical] of names) {
    if (other.replace(NUMBER, '#') !== spelled.replace(NUMBER, '#')) continue
    let at = 0
    return spellings(canonical.replace(NUMBER, () => numbers[at++]!)).some((name) => tensors.has(name))
  }
  return false
}

/** Rows and columns of the weight that an update is for. */
function updateDims({ down, up, layout }: LowRankUpdate): string {
  const [rank = 1] = down.dims
  if (layout === 'embedding') return [down.dims[1], up.dims[0]].join()
  return [up.dims[0], down.data.length / rank].join()
}

/** A weight's shape as a matrix; as it is where an update of its kind can't be for it. */
function shapeOf(dims: readonly number[], { layout }: LowRankUpdate): string {
  if (layout !== 'convolution') return dims.join()
  return [dims[0]!, dims.slice(1).reduce((size, dim) => size * dim, 1)].join()
}

/** Modules with a weight that the config targets under a spelling of theirs, but the adapter says nothing of. */
function untouchedModules({ config, modules }: Adapter, { parameters, spellings }: AdapterBase): string[] {
  if (config.targets === 'all-linear') return []
  return parameters.flatMap(({ name, dims }) => {
    if (dims.length < 2 || !name.endsWith('.weight')) return []
    const spelled = spellings(name).map((spelling) => spelling.replace(/\.weight$/, ''))
    const isMeant = spelled.some((module) => isTargeted(config, module))
    return isMeant && !spelled.some((module) => modules.has(module)) ? [spelled[0]!] : []
  })
}

function unfit(why: string): CheckpointError {
  return new CheckpointError('adapter-target', {
    message: `the adapter does not fit the base model: ${why}`,
    hint: 'Take the base model and revision that adapter_config.json names.',
  })
}

function listed(names: readonly string[]): string {
  return names.slice(0, LISTED).join('; ') + (names.length > LISTED ? `; and ${names.length - LISTED} more` : '')
}
