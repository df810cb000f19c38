/** @file LaViDa on LLaDA-8B: SigLIP SO400M, projector, decoder. @see specs/lavida.md §1 */

import type { PreparedItem } from '../../src/models/families/family.ts'
import { decoderOperations, plantDecoder } from './decoder.ts'
import { carrierOf, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import { EMBEDDINGS, LLADA_MODULES, lladaConfig, lladaDecoder } from './llada.ts'
import type { Plant, Strength } from './plants.ts'
import { siglipConfig, siglipTower } from './siglip.ts'
import { type PlantedTower, plainGelu, plantTower, towerByHand, towerOperations } from './tower.ts'
import { LLADA_TOKENIZER_CONFIG, lladaTokenizer } from './vocabulary.ts'

const VOCABULARY = 126_464
const TOWER = 'model.vision_tower.vision_tower.vision_model'
const PIXEL = `${TOWER}.embeddings.patch_embedding.weight`
const PROJECTOR = { first: 'model.mm_projector.0.weight', second: 'model.mm_projector.2.weight' }
const NEWLINE = 'model.image_newline'
/** Patches of a view, and its tokens after pooling. */
const PATCHES = 27 ** 2
const TOKENS = 14 ** 2
/** The neuron of the projector that is planted. */
const NEURON = 7

export function lavidaLayout(size: Size): Layout {
  const decoder = lladaDecoder(size)
  // The tower without the last of its 27 layers.
  const tower = siglipTower(TOWER, 26, size)
  const whole = size.scale === 1 && size.layers === undefined
  const config = {
    model_type: 'llava_llada',
    architectures: ['LlavaLladaForMaskedDiffusion'],
    ...lladaConfig(decoder, VOCABULARY),
    mm_vision_tower: 'google/siglip-so400m-patch14-384',
    mm_hidden_size: tower.hidden,
    mm_projector_type: 'mlp2x_gelu',
    mm_resampler_type: null,
    mm_vision_select_layer: -2,
    mm_vision_select_feature: 'patch',
    mm_patch_merge_type: 'spatial_unpad',
    image_aspect_ratio: 'anyres',
    image_grid_pinpoints: [
      [384, 768],
      [768, 384],
      [768, 768],
      [1152, 384],
      [384, 1152],
    ],
    mm_spatial_pool_mode: 'bilinear',
    tokenizer_model_max_length: 4096,
    // Published files name the tower and say nothing of its sizes.
    ...(whole ? {} : { vision_config: siglipConfig(tower, tower.layers + 1) }),
  }
  const model = visionLanguage(config)
  const modules = [NEWLINE, ...LLADA_MODULES, 'model.vision_tower.', 'model.mm_projector.']
  const unread = ['weight', 'bias'].map((kind) => ({
    name: `${TOWER}.post_layernorm.${kind}`,
    dtype: 'bf16' as const,
    dims: [tower.hidden],
  }))
  const [before, after] = [
    tensorsOf(model, modules),
    ({ name }: { name: string }) => name.startsWith('model.mm_projector.'),
  ]
  const picture = new Map<string, Plant>([
    [NEWLINE, { value: 1.25, at: [0] }],
    [PIXEL, { value: 1, at: [0] }],
    ...plantTower(tower),
    [
      PROJECTOR.first,
      {
        value: 8,
        at: Array.from({ length: 1 + 2 * tower.layers }, (_, channel) => NEURON * tower.hidden + channel),
      },
    ],
    [PROJECTOR.second, { value: 1 / 128, at: [NEURON] }],
  ])
  return {
    name: 'lavida',
    config,
    model,
    files: { 'tokenizer.json': lladaTokenizer(), 'tokenizer_config.json': LLADA_TOKENIZER_CONFIG },
    tensors: [...before.filter((tensor) => !after(tensor)), ...unread, ...before.filter(after)],
    plants: new Map([...picture, ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    decoder,
    rows: ({ inputIds, imageIndex }) => inputIds.filter((_, at) => imageIndex[at]! < 0),
    carriers: (item, strength) => carriers(item, strength, tower),
    operations: ({ inputIds, views }) =>
      decoderOperations(decoder, inputIds.length) +
      towerOperations(tower, PATCHES, views.length) +
      2 *
        PATCHES *
        views.length *
        (3 * 14 ** 2 * tower.hidden + tower.hidden * decoder.hidden + decoder.hidden ** 2),
  }
}

/** The token of a white view; pooling leaves a map of equal tokens as it is. */
function carriers(
  { inputIds, imageIndex, views }: PreparedItem,
  strength: Strength,
  tower: PlantedTower,
): number[] {
  // White is 1 for the tower.
  const channels = towerByHand(tower, strength(PIXEL), strength)
  const sum = channels.reduce((total, x) => total + x, 0)
  const token = plainGelu(sum * strength(PROJECTOR.first)) * strength(PROJECTOR.second)
  return inputIds.map((id, at) => {
    const row = imageIndex[at]!
    if (row < 0) return carrierOf(id) * strength(EMBEDDINGS)
    return row < views.length * TOKENS ? token : strength(NEWLINE)
  })
}
