/**
 * @file The trained tower and twins as model folders, in the layout of their published families.
 */

import { join } from 'node:path'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { f32ToBf16, toF32 } from '../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { TokenizerJson } from '../../inputs/text/byte-level.ts'
import type { Checkpoint } from '../../models/checkpoint/folder.ts'
import { writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { defaultContract, writeContract } from '../../models/embedder/contract.ts'
import type { Model } from '../../models/families/model.ts'
import { openModel } from '../../models/families/open.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { checkpointWeights } from '../../models/families/weights.ts'
import { PretrainingError } from './errors.ts'
import { writeImageTokenizer } from './image-tokenizer/folder.ts'
import { IMAGE_TOKENIZERS } from './image-tokenizer/shape.ts'
import { DECODER, PICTURE_SIZE, TOWER } from './recipe.ts'
import { TOWER_CONFIG } from './tower-config.ts'
import { seesCodes, type Twin } from './twins/twin.ts'
import { CHAT_TEMPLATE, SPECIAL_IDS, SPECIAL_TOKENS } from './vocabulary.ts'

type Parameters = Readonly<Record<string, Tensor>>

const MODEL_FILE = 'model.safetensors'

/**
 * Settings of transformers' SiglipImageProcessor: the picture is squashed to the tower's side, its
 * values run from −1 to 1.
 */
const PREPROCESSOR = {
  image_processor_type: 'SiglipImageProcessor',
  do_convert_rgb: true,
  do_resize: true,
  size: { height: PICTURE_SIZE, width: PICTURE_SIZE },
  resample: 3,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
}

const GENERATION = {
  bos_token_id: SPECIAL_IDS.bos,
  eos_token_id: SPECIAL_IDS.eos,
  pad_token_id: SPECIAL_IDS.eos,
  do_sample: false,
}

/**
 * Writes the dual encoder in SigLIP's layout.
 * @param parameters of `trainTower`; auxiliary heads are left out. `logit_bias` is 0: a softmax
 *   loss knows none
 * @throws PretrainingError `pretraining/parameters`; FileError
 */
export async function writeTower(
  dir: string,
  parameters: Parameters,
  tokenizer: TokenizerJson,
): Promise<void> {
  const model = modelOf(TOWER_CONFIG)
  await writeModel(dir, model, { logit_bias: f32([1], [0]), ...parameters })
  await writeJson(dir, 'config.json', TOWER_CONFIG)
  await writeTokenizer(dir, { ...tokenizer, post_processor: endAppended() }, TOWER.textLength)
  await writeJson(dir, 'preprocessor_config.json', PREPROCESSOR)
}

/** The folder of the image tokenizer within that of a twin. */
const TOKENIZER_FOLDER = 'image-tokenizer'

/**
 * Writes a twin in its family's layout.
 * @param parameters of `trainTwin`: projector and decoder by canonical name
 * @param pictures of the picture model: `vision_model.…`, or `encoder.…`, which becomes a
 *   checkpoint of its own
 * @throws PretrainingError `pretraining/parameters`; FileError
 */
export async function writeTwin(
  dir: string,
  twin: Twin,
  parameters: Parameters,
  pictures: Readonly<Record<string, Tensor<'f32'>>>,
  tokenizer: TokenizerJson,
): Promise<void> {
  const model = modelOf(twin.config)
  await writeModel(dir, model, { ...parameters, ...towerOf(model, pictures, twin.unread) }, twin.unread)
  if (seesCodes(twin)) {
    const { stack } = IMAGE_TOKENIZERS[twin.pictures]
    await writeImageTokenizer(join(dir, TOKENIZER_FOLDER), pictures, stack)
  }
  if (twin.attention !== undefined) await writeMask(dir, model, twin)
  await writeJson(dir, 'config.json', twin.config)
  await writeTokenizer(dir, tokenizer, DECODER.maxPositions)
  if (!seesCodes(twin)) await writeJson(dir, 'preprocessor_config.json', PREPROCESSOR)
  await writeJson(dir, 'generation_config.json', GENERATION)
  for (const [name, content] of Object.entries(twin.files)) await writeJson(dir, name, content)
}

/** A model folder read for training or gates. */
export interface StoredModel {
  readonly model: Model
  readonly checkpoint: Checkpoint
  /** By canonical name, widened. */
  readonly parameters: Record<string, Tensor<'f32'>>
}

/** @throws CheckpointError, FamilyError, PretrainingError `pretraining/parameters` */
export async function readModel(dir: string): Promise<StoredModel> {
  const checkpoint = await openModel(dir)
  const model = modelOf(checkpoint.config)
  const weights = checkpointWeights(checkpoint, model.weightSpellings)
  const parameters: Record<string, Tensor<'f32'>> = {}
  for (const { name } of modelParameters(model)) {
    const found = weights.find(name)
    if (found === undefined) throw missing(dir, [name])
    parameters[name] = toF32(await checkpoint.read(found.name))
  }
  return { model, checkpoint, parameters }
}

/**
 * A twin of this recipe: gates build its graph from the recipe's config.
 * @throws PretrainingError `pretraining/other-recipe`; what `readModel` throws
 */
export async function readTwin(dir: string, { name, config }: Twin): Promise<StoredModel> {
  const stored = await readModel(dir)
  if (JSON.stringify(stored.checkpoint.config) !== JSON.stringify(config)) {
    throw new PretrainingError('other-recipe', {
      message: `${join(dir, 'config.json')} is not the config of ${name} as this version trains it`,
      hint: `Train it anew (bifocal pretrain ${name}), or measure it with the version that made it.`,
    })
  }
  return stored
}

/** The contract of a twin whose layout knows another mask than the twin was trained under. */
async function writeMask(dir: string, model: Model, { attention, objective }: Twin): Promise<void> {
  const contract = defaultContract(model)
  await writeContract(dir, {
    ...contract,
    attention: attention ?? contract.attention,
    objective: objective === 'next-token' ? 'autoregressive' : 'diffusion',
    readout: { ...contract.readout, pool: attention === 'causal' ? 'last' : 'mean' },
  })
}

/** The tower's tensors under the names of a twin. */
function towerOf(model: Model, tower: Parameters, unread: readonly string[]): Record<string, Tensor> {
  const names = [...modelParameters(model).map(({ name }) => name), ...unread]
  return Object.fromEntries(
    names.flatMap((name) => {
      const at = name.indexOf('vision_model.')
      const own = at < 0 ? undefined : tower[name.slice(at)]
      return own === undefined ? [] : [[name, own]]
    }),
  )
}

/** All parameters of a model in bf16 under their published names. */
async function writeModel(
  dir: string,
  model: Model,
  parameters: Parameters,
  more: readonly string[] = [],
): Promise<void> {
  // An image tokenizer is a checkpoint of its own.
  const own = modelParameters(model).filter(({ name }) => !name.startsWith('image_tokenizer.'))
  const names = [...own.map(({ name }) => name), ...more]
  const absent = names.filter((name) => parameters[name] === undefined)
  if (absent.length > 0) throw missing(dir, absent)
  const stored = names.map(
    (name) => [model.weightSpellings(name)[0] ?? name, bf16(toF32(parameters[name]!))] as const,
  )
  await writeSafetensors(join(dir, MODEL_FILE), Object.fromEntries(stored), { format: 'pt' })
}

function missing(dir: string, names: readonly string[]): PretrainingError {
  return new PretrainingError('parameters', {
    message: `${dir}: ${names.length} parameters are missing: ${names.slice(0, 10).join(', ')}`,
    hint: 'Were tower and twin trained with the sizes of src/learning/pretraining/recipe.ts?',
  })
}

function bf16({ dims, data }: Tensor<'f32'>): Tensor<'bf16'> {
  return { dtype: 'bf16', dims, data: f32ToBf16(data) }
}

/** The text tower reads its vector at the end token, so each text gets one. */
function endAppended(): object {
  const { eos } = SPECIAL_TOKENS
  const end = { SpecialToken: { id: eos, type_id: 0 } }
  const sequence = (id: string) => ({ Sequence: { id, type_id: 0 } })
  return {
    type: 'TemplateProcessing',
    single: [sequence('A'), end],
    pair: [sequence('A'), sequence('B'), end],
    special_tokens: { [eos]: { id: eos, ids: [SPECIAL_IDS.eos], tokens: [eos] } },
  }
}

async function writeTokenizer(dir: string, tokenizer: object, maxLength: number): Promise<void> {
  const { bos, eos, mask, image } = SPECIAL_TOKENS
  const special = { bos_token: bos, eos_token: eos, pad_token: eos, mask_token: mask }
  await writeFileAtomic(join(dir, 'tokenizer.json'), `${JSON.stringify(tokenizer)}\n`)
  await writeJson(dir, 'tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...special,
    extra_special_tokens: { image_token: image },
    model_max_length: maxLength,
    padding_side: 'right',
    clean_up_tokenization_spaces: false,
    chat_template: CHAT_TEMPLATE,
  })
  await writeJson(dir, 'special_tokens_map.json', special)
}

async function writeJson(dir: string, name: string, value: unknown): Promise<void> {
  await writeFileAtomic(join(dir, name), `${JSON.stringify(value, undefined, 2)}\n`)
}
