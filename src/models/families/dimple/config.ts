/**
 * @file config.json of Dimple: Dream's decoder with flat keys, Qwen2.5-VL's tower. Files write only
 * those keys of the tower that differ from the published class, whose defaults stand here.
 * @see specs/diffusion-vlms-2.md, Dimple
 */

import { z } from 'zod'
import { parseConfigWith, withDefault } from '../config.ts'
import { type DreamTowerConfig, parseDreamParts } from '../dream-vl/config.ts'
import { parseQwenTower } from '../qwen-vl/config.ts'

export interface DimpleConfig extends DreamTowerConfig {
  /** False in the first two stages of the training, whose attention is causal. */
  readonly fullAttention: boolean
}

const schema = z.looseObject({ full_attn_mask: withDefault(z.boolean(), true) })

/** Of the tower; the other keys have the defaults of Qwen2.5-VL's class. */
const towerDefaults = { hidden_size: 1280 }

/** @throws FamilyError `family/config` */
export function parseDimpleConfig(json: unknown): DimpleConfig {
  const { vision, ...parts } = parseDreamParts(json, 'dimple')
  const { full_attn_mask } = parseConfigWith(schema, json, 'dimple config')
  return {
    ...parts,
    tower: {
      ...parseQwenTower({ ...towerDefaults, ...vision }, 'qwen2.5-vl', 'dimple'),
      version: 'qwen2.5-vl',
    },
    // One key for the feed-forward blocks and the projector.
    projectorActivation: parts.text.activation,
    fullAttention: full_attn_mask,
  }
}
