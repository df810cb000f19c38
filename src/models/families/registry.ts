/**
 * @file All families, and the one that a config.json belongs to. Adding a family adds a line here.
 */

import { located } from '../../foundation/numeric/errors.ts'
import { clip } from './clip/index.ts'
import { diffusionVl } from './diffusionvl/index.ts'
import { dimple } from './dimple/index.ts'
import { dreamVl } from './dream-vl/index.ts'
import { FamilyError } from './errors.ts'
import type { Companion, Family } from './family.ts'
import { idefics3 } from './idefics3/index.ts'
import { lavida } from './lavida/index.ts'
import { lladaV } from './llada-v/index.ts'
import { llava } from './llava/index.ts'
import { llavaNext } from './llava-next/index.ts'
import { llavaOnevision } from './llava-onevision/index.ts'
import { llavaOriginal } from './llava-original/index.ts'
import { mmada } from './mmada/index.ts'
import { bindFamily, type Model } from './model.ts'
import { omniDiffusion } from './omni-diffusion/index.ts'
import { qwen2Vl, qwen3Vl, qwen25Vl } from './qwen-vl/index.ts'
import { sdarVl } from './sdar-vl/index.ts'
import { siglip } from './siglip/index.ts'

type Json = Readonly<Record<string, unknown>>

/** A family whose config type is its own business. */
interface Entry {
  name: string
  companion?: Companion
  matches: (json: Json) => boolean
  bind: (json: Json) => Model
}

function entryOf<Config, Settings>(family: Family<Config, Settings>): Entry {
  const { name, companion } = family
  return {
    name,
    companion,
    matches: (json) => family.matches(json),
    bind: (json) => bindFamily(family, json),
  }
}

const families: readonly Entry[] = [
  entryOf(llavaOriginal),
  entryOf(llava),
  entryOf(llavaNext),
  entryOf(llavaOnevision),
  entryOf(idefics3),
  entryOf(mmada),
  entryOf(lavida),
  entryOf(lladaV),
  entryOf(qwen2Vl),
  entryOf(qwen25Vl),
  entryOf(qwen3Vl),
  entryOf(dreamVl),
  entryOf(dimple),
  entryOf(diffusionVl),
  entryOf(sdarVl),
  entryOf(omniDiffusion),
  entryOf(clip),
  entryOf(siglip),
]

/** In the order in which they are asked. */
export const familyNames: readonly string[] = families.map(({ name }) => name)

/**
 * The name of the family that takes a config.json, whether or not its values make a model;
 * undefined for none.
 */
export function familyOf(json: Json): string | undefined {
  return families.find(({ matches }) => matches(json))?.name
}

/**
 * The model that a config.json describes.
 * @param where for messages: the path of that file
 * @throws BifocalError `family/unknown`, `family/config`
 * @example const model = modelOf((await openCheckpoint(dir)).config, join(dir, 'config.json'))
 */
export function modelOf(json: Json, where = 'config.json'): Model {
  const found = families.find(({ matches }) => matches(json))
  try {
    if (found !== undefined) return found.bind(json)
  } catch (error) {
    throw error instanceof FamilyError ? located(error, where) : error
  }
  throw new FamilyError('unknown', {
    message: `${where}: no family takes model_type ${JSON.stringify(json.model_type)}`,
    hint: `Known families: ${familyNames.join(', ')}. Is this the config.json of the whole model?`,
  })
}

/** The second checkpoint that a model needs; undefined for most. */
export function companionOf(json: Json): Companion | undefined {
  return families.find(({ matches }) => matches(json))?.companion
}
