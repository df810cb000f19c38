/**
 * @file Resolves a folder or name, and the caller's options, to a model, its contract and its
 * weights. Commands, studies and tunings all open models here. No weight is read.
 */

import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { INT8_ROUNDING } from '../../engine/graph/compiled.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import type { MemoryMode } from '../../engine/runtime/placement.ts'
import { given } from '../../foundation/files/options.ts'
import { firstOf, UsageError } from '../../foundation/numeric/errors.ts'
import { type Adapter, hashOfAdapter } from '../checkpoint/adapter.ts'
import { readAdapter } from '../checkpoint/adapter-folder.ts'
import { type AdaptedOptions, type AdapterMode, adaptedWeights } from '../families/adapted.ts'
import type { Model } from '../families/model.ts'
import { type ModelWeights, storedWeights } from '../families/model-weights.ts'
import { openModel } from '../families/open.ts'
import { modelOf } from '../families/registry.ts'
import { warnOfSpareLayers } from '../families/weights.ts'
import type { DownloadProgress } from '../hub/progress.ts'
import { resolveModel } from '../hub/resolve.ts'
import { attentionOf } from './attention.ts'
import { type Contract, defaultContract } from './contract.ts'
import type { EncoderOptions } from './encoder.ts'
import { EmbedderError } from './errors.ts'
import type { FingerprintParts } from './fingerprint.ts'
import type { ImagePolicy } from './image-policy.ts'
import { locateModel, warnOfIdleAdapter, warnOfOwnProcessor } from './locate.ts'
import { type PresetName, presetFor, presets, withPreset } from './presets.ts'
import type { Readout } from './readout.ts'
import { checkDims } from './vectors/leading.ts'

export interface LoadOptions {
  /** Default `cpu`. */
  device?: Device
  /** Default: all that the machine has. The same count gives the same bytes. */
  threads?: number
  /** Default `fast`. */
  memory?: MemoryMode
  /**
   * A published embedder's prompt, picture policy, positions and readout; default: found by the
   * folder's name, see `presetFor`; `none` to leave it.
   */
  preset?: PresetName | 'none'
  /** Instead of the contract's. */
  images?: ImagePolicy
  attention?: Contract['attention']
  /** Positions of a block, for attention by blocks. */
  blockSize?: number
  truncation?: Contract['truncation']
  maxLength?: number
  /**
   * An image token in a text without pictures: `refuse` the item (default), or `keep` the token as
   * a plain one, as the published evaluation of MMEB does.
   */
  stray?: EncoderOptions['stray']
  /**
   * `f32` is the reference. `f16`: matrices are held in 16 bits (f16, or bf16 where the checkpoint
   * has it); a GPU multiplies in f16, the CPU saves memory and loses some time. `int8`: linear
   * layers in 8 bits, for the CPU. Instead of the contract's.
   */
  dtype?: Contract['dtype']
  /** Replaces these parts of the contract's readout; the other parts stay. */
  readout?: Partial<Readout>
  /** Further vectors of the same pass, by name. */
  readouts?: Readonly<Record<string, Readout>>
  /**
   * A PEFT adapter folder, its name on the hub, or an adapter in memory, instead of the contract's
   * or of one beside the weights; `none` for no adapter.
   */
  adapter?: string | Adapter
  /**
   * Whether updates run beside the weights of their layers (`live`, the default) or are merged into
   * them when a session opens.
   */
  adapterMode?: AdapterMode
  /** Positions of a batch, padding included; default 1024. */
  tokenBudget?: number
  warn?: (message: string) => void
  /** While a model is fetched from the hub. */
  onDownload?: (progress: DownloadProgress) => void
  signal?: AbortSignal
}

/** A model that was found, in one state of its weights. */
export interface Subject {
  /** The folder of the model itself: golden vectors of its contract are relative to it. */
  readonly dir: string
  readonly model: Model
  readonly encoder: EncoderOptions
  /** Names of the further readouts: those of `encoder.readouts` behind the contract's. */
  readonly names: readonly string[]
  /** The adapter, where it has one, and how it runs. */
  readonly adapter: Adapter | undefined
  readonly adapterMode: AdapterMode
  /** The adapter's folder, where it has one. */
  readonly adapterFolder: string | undefined
  /**
   * Whether prompt and readout are those that the model was made for: a preset's, or a contract's
   * that differs from the default. False for a plain checkpoint.
   */
  readonly decided: boolean
  /** The preset that decided the contract. */
  readonly preset: PresetName | undefined
  /** A hash of weights that are in no file, hexadecimal. */
  readonly state: string | undefined
}

/**
 * @param path a checkpoint folder, a folder with an `embedder.json`, that file, an adapter folder
 *   that names its base, or a name on the hub
 * @throws EmbedderError `embedder/no-model`, `embedder/preset-family`, `embedder/dims`; UsageError
 *   `usage/arguments`; HubError; CheckpointError, FamilyError, FileError for the files of the
 *   folder
 */
export async function openSubject(path: string, options: LoadOptions = {}): Promise<Subject> {
  const { readouts = {}, preset: wished, device, threads, memory, adapterMode, warn } = options
  const fetching = { signal: options.signal, onProgress: options.onDownload, warn }
  const locating = { ...fetching, adapter: options.adapter }
  const located = await locateModel(path, locating)
  const checkpoint = await openModel(located.base, fetching)
  const model = modelOf(checkpoint.config, join(checkpoint.dir, 'config.json'))
  if (model.kind === 'vision-language')
    warnOfSpareLayers(checkpoint.dir, checkpoint.tensors.keys(), model.shape.layers, warn)
  const wanted = options.adapter === 'none' ? undefined : (options.adapter ?? located.adapter)
  const from = typeof wanted === 'string' ? await resolveModel(wanted, fetching) : wanted
  const adapterFolder = typeof from === 'string' ? from : undefined
  await warnOfIdleAdapter(located, adapterFolder, locating)
  await warnOfOwnProcessor(checkpoint.dir, adapterFolder, locating)
  // A contract beside the weights knows better than their name.
  const names = [adapterFolder, path.replace(/@[^/]*$/, ''), located.dir, nameIn(checkpoint.config)]
  const found = wished ?? (located.contract === undefined ? presetFor(names, model.family) : undefined)
  const preset = found === 'none' ? undefined : found
  if (preset !== undefined && !presets[preset].verified) {
    const switchOff = wished === undefined ? ' (found by name; --preset none turns it off)' : ''
    warn?.(
      `preset ${preset}${switchOff}: its prompt and readout have not been compared with the published weights' vectors yet`,
    )
  }
  const plain = located.contract?.contract ?? defaultContract(model)
  const own = preset === undefined ? plain : withPreset(plain, preset, model.family)
  const {
    attention = own.attention,
    blockSize = own.blockSize,
    truncation = own.truncation,
    maxLength = own.maxLength,
    dtype = own.dtype,
  } = options
  const contract = {
    ...own,
    image: options.images ?? own.image,
    attention,
    ...(blockSize === undefined ? {} : { blockSize }),
    truncation,
    ...(maxLength === undefined ? {} : { maxLength }),
    dtype,
    readout: { ...own.readout, ...given(options.readout ?? {}) },
  }
  if (
    model.kind === 'dual-encoder' &&
    (options.attention ??
      options.blockSize ??
      options.maxLength ??
      options.readout?.layer ??
      options.readout?.pool) !== undefined
  )
    warn?.(
      `${model.family} is a dual encoder, which pools by itself: attention, length, layer and pool change nothing`,
    )
  // The default asks for nothing, said or not.
  if (adapterMode === 'merged' && wanted === undefined) {
    throw new UsageError('arguments', {
      message: `adapter mode merged for ${path}, which has no adapter to merge`,
      hint: 'Name the adapter too, or leave its mode out.',
    })
  }
  if (model.kind === 'vision-language') {
    model.checkSettings(contract.family)
    attentionOf(contract, model.shape)
  } else if (contract.family !== undefined) {
    throw new EmbedderError('contract', {
      message: `${path}: embedder.json has settings for a family, and ${model.family} has none`,
      hint: 'Leave `family` out.',
    })
  }
  const adapter = typeof from === 'string' ? await readAdapter(from) : from
  const all = [contract.readout, ...Object.values(readouts)]
  const width = model.kind === 'dual-encoder' ? model.shape.dims : model.shape.hidden
  for (const { dims } of all) if (dims !== undefined) checkDims(dims, width)
  const encoder = {
    checkpoint,
    contract,
    readouts: all,
    weights:
      adapter === undefined
        ? storedWeights(checkpoint, model)
        : withAdapter({ checkpoint, model, adapter, mode: adapterMode }, warn),
    device,
    threads,
    memory,
    tokenBudget: options.tokenBudget,
    stray: options.stray,
    warn,
  }
  return {
    dir: located.dir,
    model,
    encoder,
    names: Object.keys(readouts),
    adapter,
    adapterMode: adapterMode ?? 'live',
    adapterFolder,
    decided: preset !== undefined || differs(plain, defaultContract(model)),
    preset,
    state: adapter !== undefined && adapterFolder === undefined ? hashOfAdapter(adapter) : undefined,
  }
}

/** Whether a contract reads items or states in another way. */
function differs(a: Contract, b: Contract): boolean {
  const reading = ({ prompt, image, attention, blockSize, masks, readout, adapter, family }: Contract) => [
    prompt,
    image,
    attention,
    blockSize,
    masks,
    readout,
    adapter,
    family,
  ]
  return !isDeepStrictEqual(reading(a), reading(b))
}

export interface StateChange {
  /** Other weights, and a hash that names them. */
  weights?: ModelWeights
  state?: string
  contract?: Partial<Contract>
  /** Further readouts instead of the subject's. */
  readouts?: Readonly<Record<string, Readout>>
}

/** The same model in another state, or read in other ways. */
export function withState(subject: Subject, { weights, state, contract, readouts }: StateChange): Subject {
  const { encoder, names } = subject
  const changed = { ...encoder.contract, ...contract }
  const further = readouts === undefined ? encoder.readouts.slice(1) : Object.values(readouts)
  return {
    ...subject,
    encoder: {
      ...encoder,
      contract: changed,
      readouts: [changed.readout, ...further],
      weights: weights ?? encoder.weights,
    },
    names: readouts === undefined ? names : Object.keys(readouts),
    state: state ?? subject.state,
  }
}

/** All that decides a subject's vectors. */
export function fingerprintParts({
  encoder,
  adapter,
  adapterMode,
  adapterFolder,
  state,
}: Subject): FingerprintParts {
  const { contract, checkpoint, device = 'cpu' } = encoder
  // Rounded weights with an update beside them are not the rounded sum.
  const dtype = contract.dtype === 'int8' ? `int8: ${INT8_ROUNDING}` : contract.dtype
  const engine = { device, dtype, adapterMode: adapter && adapterMode }
  return { contract, readouts: encoder.readouts, checkpoint, adapter: adapterFolder, engine, state }
}

function withAdapter(options: AdaptedOptions, warn: LoadOptions['warn']): ModelWeights {
  const weights = adaptedWeights(options)
  const untouched = weights.bound?.untouched ?? []
  if (untouched.length > 0) {
    warn?.(
      `the adapter has no tensors for ${firstOf(untouched, 3)}, which its config targets: they stay as they are`,
    )
  }
  return weights
}

/** The repository that a config says it came from. */
function nameIn({ _name_or_path: name }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof name === 'string' ? name : undefined
}
