/** @file SigLIP SO400M, the tower of LaViDa and SDAR-VL. */

import { divided, fewer, type Size } from './layout.ts'
import { geluTanh, type PlantedTower } from './tower.ts'

export interface SiglipTower extends PlantedTower {
  readonly heads: number
}

/** @param at beginning of the names @param layers that run */
export function siglipTower(at: string, layers: number, size: Size): SiglipTower {
  const heads = divided(16, size)
  return {
    tensors(layer) {
      const name = (module: string) => `${at}.encoder.layers.${layer}.${module}.weight`
      return {
        attentionNorm: name('layer_norm1'),
        value: name('self_attn.v_proj'),
        output: name('self_attn.out_proj'),
        feedForwardNorm: name('layer_norm2'),
        first: name('mlp.fc1'),
        second: name('mlp.fc2'),
      }
    },
    heads,
    hidden: heads * 72,
    inner: Math.floor(4304 / size.scale),
    layers: fewer(layers, size),
    valueRow: 0,
    activation: geluTanh,
  }
}

/** vision_config of a file. @param layers that are stored */
export function siglipConfig({ hidden, inner, heads }: SiglipTower, layers: number) {
  return {
    model_type: 'siglip_vision_model',
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    image_size: 384,
    patch_size: 14,
  }
}
