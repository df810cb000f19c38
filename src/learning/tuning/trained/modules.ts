/**
 * @file The modules of a model by the part that they belong to, and which of them a tuning trains,
 * by PEFT's rules.
 */

import { compile } from '../../../engine/graph/compile.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import type { AdapterConfig } from '../../../models/checkpoint/adapter.ts'
import { weightFinder } from '../../../models/checkpoint/adapter-binding.ts'
import { isSaved, isTargeted, matchesEnd } from '../../../models/checkpoint/adapter-targets.ts'
import type { VisionLanguageModel } from '../../../models/families/model.ts'
import { decoderLinears, decoderParameters, modelParameters } from '../../../models/families/parameters.ts'
import { type ParameterSlot, parametersOf } from '../../../models/families/weights.ts'
import { TuningError } from '../errors.ts'
import type { TunableModel } from '../tunable.ts'
import { TARGETS, type TargetPreset, type TrainSettings } from './settings.ts'

/** `tower`: up to the features that the projector takes; `projector`: from there to image rows. */
type Part = 'decoder' | 'projector' | 'tower'

/** A linear layer. */
export interface LinearModule {
  /** The canonical name, without `.weight`. */
  readonly name: string
  /** The name in the running model, which PEFT matches and writes. */
  readonly runtime: string
  readonly part: Part
  readonly inFeatures: number
  readonly outFeatures: number
  /**
   * Whether the files have the layer and no vector depends on it: a tower's layers after the
   * selected one. PEFT adapts those too, and they never change.
   */
  readonly idle: boolean
}

/** VLM2Vec's `target_modules`. @see specs/vlm2vec-mmeb.md §5.7 */
const VLM2VEC_TARGETS: readonly string[] = [
  'qkv_proj',
  'o_proj',
  'gate_up_proj',
  'down_proj',
  'k_proj',
  'q_proj',
  'out_proj',
  'v_proj',
]

const PARTS: { readonly [Preset in Exclude<TargetPreset, 'vlm2vec'>]: readonly Part[] } = {
  decoder: ['decoder'],
  'decoder+projector': ['decoder', 'projector'],
  'decoder+projector+tower': ['decoder', 'projector', 'tower'],
}

/** The linear layers of a model; the head is none of them, for no vector depends on it. */
export function linearModules({
  model,
  checkpoint,
}: Pick<TunableModel, 'model' | 'checkpoint'>): LinearModule[] {
  const module = (part: Part, name: string, [out = 0, inputs = 0]: readonly number[], idle = false) => ({
    name,
    runtime: runtimeModule(model, name),
    part,
    inFeatures: inputs,
    outFeatures: out,
    idle,
  })
  const decoder = decoderLinears(model).map(({ module: name, inFeatures, outFeatures }) =>
    module('decoder', name, [outFeatures, inFeatures]),
  )
  const vision = visionLinears(model).map(({ name, dims, part }) => module(part, name, dims))
  const used = [...decoder, ...vision]
  const alike = new Map(used.map(({ name, part }) => [withoutNumbers(name), part]))
  const find = weightFinder({
    parameters: modelParameters(model, { head: false }),
    spellings: model.weightSpellings,
    tensors: checkpoint.tensors,
  })
  const idle = [...checkpoint.tensors].flatMap(([tensor, { dims }]) => {
    const found = tensor.endsWith('.weight') ? find(tensor) : undefined
    const name = found?.name.replace(/\.weight$/, '') ?? ''
    const part = found?.used === false ? alike.get(withoutNumbers(name)) : undefined
    return part === undefined ? [] : [module(part, name, dims, true)]
  })
  return [...used, ...idle]
}

/** The parameters of one part, norms and tables included. */
function partParameters(model: VisionLanguageModel, part: Part): ParameterSlot[] {
  return part === 'decoder'
    ? decoderParameters(model)
    : visionParameters(model).filter((slot) => slot.part === part)
}

/** The parameters between a tower's features and the image rows. */
export function projectorParameters(model: VisionLanguageModel): ParameterSlot[] {
  return partParameters(model, 'projector')
}

/** Names of the parameters that come before the image rows. */
export function visionNames(model: VisionLanguageModel): ReadonlySet<string> {
  return new Set(visionParameters(model).map(({ name }) => name))
}

/**
 * The layers that get an update, and the config that makes PEFT choose the same ones.
 * @throws TuningError `tuning/targets` when there are none
 */
export function targetedModules(
  tunable: Pick<TunableModel, 'dir' | 'model' | 'checkpoint'>,
  settings: Pick<TrainSettings, 'targets' | 'exclude' | 'modulesToSave'>,
): { modules: LinearModule[]; targets: AdapterConfig['targets'] } {
  const all = linearModules(tunable)
  const { targets: wanted, exclude: excluded, modulesToSave: saved } = settings
  const targets = targetsOf(all, wanted)
  const config = { targets, excluded, saved, layers: [], layersPattern: [] }
  const modules = all.filter(({ runtime }) => isTargeted(config, runtime))
  if (modules.some(({ idle }) => !idle)) return { modules, targets }
  throw new TuningError('targets', {
    message: `${tunable.dir}: no linear layer is targeted by ${JSON.stringify(wanted)}${excluded.length === 0 ? '' : ` without ${JSON.stringify(excluded)}`}`,
    hint: `Give ${TARGETS.join(', ')}, or a list of endings of these paths: ${endings(all).join(', ')}.`,
  })
}

/**
 * Names in lists of targets and excluded modules that end no path of the model, and patterns of
 * ranks and alphas that match none. PEFT passes over them without a word.
 */
export function unmatchedNames(
  { model, checkpoint }: Pick<TunableModel, 'model' | 'checkpoint'>,
  {
    targets,
    exclude,
    rankPattern,
    alphaPattern,
  }: Pick<TrainSettings, 'targets' | 'exclude' | 'rankPattern' | 'alphaPattern'>,
): string[] {
  const paths = [
    ...linearModules({ model, checkpoint }).map(({ runtime }) => runtime),
    ...trainable(model).map(({ name }) => model.runtimeName(name).replace(/\.[^.]*$/, '')),
  ]
  const names = [targets, exclude].flatMap((given) => (typeof given === 'string' ? [] : given))
  const patterns = [...Object.keys(rankPattern), ...Object.keys(alphaPattern)]
  const unmatched = [
    ...names.filter((name) => !paths.some((path) => path === name || path.endsWith(`.${name}`))),
    ...patterns.filter((pattern) => !paths.some((path) => matchesEnd(pattern, path))),
  ]
  return [...new Set(unmatched)]
}

function targetsOf(all: readonly LinearModule[], wanted: TrainSettings['targets']): AdapterConfig['targets'] {
  if (typeof wanted !== 'string') return wanted
  if (wanted === 'vlm2vec') return VLM2VEC_TARGETS
  const parts = Object.entries(PARTS).find(([preset]) => preset === wanted)?.[1]
  if (parts === undefined) return wanted
  return all
    .filter(({ part, idle }) => !idle && parts.includes(part))
    .map(({ runtime }) => runtime)
    .sort()
}

/**
 * The parameters of modules that are trained whole.
 * @throws TuningError `tuning/targets` naming a module that the model does not have
 */
export function savedParameters(
  { dir, model }: Pick<TunableModel, 'dir' | 'model'>,
  modulesToSave: readonly string[],
): ParameterSlot[] {
  const all = trainable(model)
  const of = (saved: readonly string[]) =>
    all.filter(({ name }) => isSaved({ saved }, model.runtimeName(name)))
  const unknown = modulesToSave.filter((module) => of([module]).length === 0)
  if (unknown.length === 0) return of(modulesToSave)
  throw new TuningError('targets', {
    message: `${dir}: no parameter lies in ${unknown.join(', ')}, which modulesToSave names`,
    hint: 'Give the end of a module path; `bifocal inspect` lists the tensors.',
  })
}

/**
 * The parameters that are trained whole by `method: all`: those of the parts, or those in the
 * modules that `targets` names. The embedding table stays unless `modulesToSave` names it: a few
 * hundred steps see each token too rarely, and its gradient is as large as a layer's.
 * @throws TuningError `tuning/targets` when there are none
 */
export function wholeParameters(
  tunable: Pick<TunableModel, 'dir' | 'model'>,
  { targets, exclude: excluded, modulesToSave }: Pick<TrainSettings, 'targets' | 'exclude' | 'modulesToSave'>,
): ParameterSlot[] {
  const { model } = tunable
  const parts = Object.entries(PARTS).find(([preset]) => preset === targets)?.[1]
  const names = new Set(parts?.flatMap((part) => partParameters(model, part).map(({ name }) => name)))
  const config = {
    targets: targets === 'vlm2vec' ? VLM2VEC_TARGETS : parts === undefined ? targets : [],
    excluded,
    saved: [],
    layers: [],
    layersPattern: [],
  }
  const module = (name: string) => model.runtimeName(name).replace(/\.[^.]*$/, '')
  const isExcluded = (name: string) =>
    isTargeted({ ...config, targets: excluded, excluded: [] }, module(name))
  const also = new Set(savedParameters(tunable, modulesToSave).map(({ name }) => name))
  const chosen = trainable(model).filter(
    ({ name, dims }) =>
      also.has(name) ||
      (dims[0] !== model.shape.vocabulary &&
        (parts === undefined ? isTargeted(config, module(name)) : names.has(name)) &&
        !isExcluded(name)),
  )
  if (chosen.length > 0) return chosen
  throw new TuningError('targets', {
    message: `${tunable.dir}: no parameter is targeted by ${JSON.stringify(targets)}`,
    hint: `Give ${TARGETS.join(', ')}, or a list of endings of module paths; \`bifocal inspect\` lists the tensors.`,
  })
}

/** All parameters but the head's and those of a tower that gives codes, which has no gradient. */
function trainable(model: VisionLanguageModel): ParameterSlot[] {
  const all = modelParameters(model, { head: false })
  if (model.shape.imageCodes === undefined) return all
  const decoder = new Set(partParameters(model, 'decoder').map(({ name }) => name))
  return all.filter(({ name }) => decoder.has(name))
}

/** The linear layers before the image rows; none where pictures become codes. */
function visionLinears(model: VisionLanguageModel): (ParameterSlot & { part: Part })[] {
  if (model.shape.imageCodes !== undefined) return []
  const names = new Set<string>()
  visionGraph(model, (name) => names.add(name))
  return visionParameters(model).flatMap(({ name, ...slot }) => {
    const module = name.replace(/\.weight$/, '')
    return name.endsWith('.weight') && names.has(module) ? [{ name: module, ...slot }] : []
  })
}

function visionParameters(model: VisionLanguageModel): (ParameterSlot & { part: Part })[] {
  const { graph, hasStage } = visionGraph(model, () => {})
  const tower = new Set(
    compile(graph, { outputs: [hasStage ? 'vision' : 'rows'] }).weights.map(({ name }) => name),
  )
  const needed = new Set(compile(graph, { outputs: ['rows'] }).weights.map(({ name }) => name))
  return parametersOf(graph).flatMap((slot) =>
    needed.has(slot.name) ? [{ ...slot, part: tower.has(slot.name) ? 'tower' : 'projector' }] : [],
  )
}

/** @param onLinear sees the name of each linear layer */
function visionGraph(
  model: VisionLanguageModel,
  onLinear: (name: string) => void,
): { graph: Graph; hasStage: boolean } {
  const graph = new Graph()
  const scope = rootScope(graph, {
    adapter: (name) => {
      onLinear(name)
      return undefined
    },
  })
  const { stages, rows } = model.buildVision(
    scope,
    graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
  )
  graph.output('rows', rows)
  if (stages.vision !== undefined) graph.output('vision', stages.vision)
  return { graph, hasStage: stages.vision !== undefined }
}

function runtimeModule(model: VisionLanguageModel, name: string): string {
  return model.runtimeName(`${name}.weight`).replace(/\.weight$/, '')
}

function withoutNumbers(name: string): string {
  return name.replace(/(?<=\.)\d+(?=\.|$)/g, '#')
}

/** The last names of paths. */
function endings(modules: readonly LinearModule[]): string[] {
  return [...new Set(modules.map(({ runtime }) => runtime.replace(/^.*\.(?=\D)/, '')))].sort()
}
