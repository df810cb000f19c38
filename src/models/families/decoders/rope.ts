/**
 * @file `rope_scaling` and `rope_parameters`: how a rotation is stretched to contexts longer than
 * it was trained with. An unknown kind is refused: taken for plain, it would silently give other
 * vectors.
 * @see transformers 4.57 `modeling_rope_utils.py`; Chen et al. 2023 (linear), Peng et al. 2023
 *   (YaRN), Dubey et al. 2024 (llama3)
 */

import { z } from 'zod'
import { plainFrequencies, type RotaryScaling } from '../../../engine/nn/rotary.ts'
import { whole, withDefault } from '../config.ts'

const KINDS = ['default', 'linear', 'dynamic', 'llama3', 'yarn'] as const
type Kind = (typeof KINDS)[number]

const kind = z.enum(KINDS).nullish()
const positive = z.number().positive()

/** Keys that each kind needs; the others have defaults. */
const needed = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'],
  yarn: ['factor'],
} as const satisfies Readonly<Record<Kind, readonly string[]>>

/** Older files say `type`, newer ones `rope_type`; some have both. */
export const ropeSchema = z
  .looseObject({
    type: kind,
    rope_type: kind,
    rope_theta: positive.nullish(),
    partial_rotary_factor: withDefault(z.literal(1), 1),
    factor: positive.nullish(),
    original_max_position_embeddings: whole.nullish(),
    low_freq_factor: positive.nullish(),
    high_freq_factor: positive.nullish(),
    attention_factor: positive.nullish(),
    beta_fast: z.number().nonnegative().nullish(),
    beta_slow: z.number().nonnegative().nullish(),
    mscale: z.number().nonnegative().nullish(),
    mscale_all_dim: z.number().nonnegative().nullish(),
    truncate: withDefault(z.boolean(), true),
  })
  .superRefine((json, context) => {
    const { type, rope_type } = json
    if (type && rope_type && type !== rope_type)
      context.addIssue(`type ${type} and rope_type ${rope_type} contradict each other`)
    if (!type && !rope_type && json.factor) context.addIssue('a factor, but no rope_type')
    for (const key of needed[kindOf(json)]) {
      if (json[key] === undefined || json[key] === null)
        context.addIssue({ code: 'custom', path: [key], message: `${kindOf(json)} needs it` })
    }
  })

export type RopeJson = z.infer<typeof ropeSchema>

function kindOf({ type, rope_type }: { type?: Kind | null; rope_type?: Kind | null }): Kind {
  return rope_type ?? type ?? 'default'
}

export interface RopeBase {
  theta: number
  headDim: number
  /** `max_position_embeddings` of the file. */
  maxPositions: number
}

export interface Rope {
  /** Positions that the rotation serves. */
  maxPositions: number
  /** Absent: plain. */
  scaling?: RotaryScaling
}

/**
 * The rotation that a config asks for. The classes say of linear, dynamic and YaRN scaling without
 * an original length that `max_position_embeddings` is the length before scaling, so linear and
 * YaRN serve `factor` times that.
 *
 * Dynamic scaling changes frequencies only beyond `max_position_embeddings`, with the length of the
 * longest sequence yet seen: a vector would depend on what ran before it. Within that length it is
 * the plain rotation, and longer prompts are too long.
 */
export function ropeOf(json: RopeJson | null | undefined, base: RopeBase): Rope {
  const { maxPositions } = base
  const factor = json?.factor ?? 1
  switch (json ? kindOf(json) : 'default') {
    case 'linear':
      return {
        maxPositions: Math.floor(maxPositions * factor),
        scaling: {
          frequencies: plainFrequencies(base.theta, base.headDim).map((frequency) => frequency / factor),
          magnitude: 1,
        },
      }
    case 'llama3':
      return { maxPositions, scaling: { frequencies: llama3Frequencies(json!, base), magnitude: 1 } }
    case 'yarn': {
      const original = json!.original_max_position_embeddings ?? maxPositions
      return {
        maxPositions: Math.max(maxPositions, Math.floor(original * factor)),
        scaling: yarnScaling(json!, base, original),
      }
    }
    default:
      return { maxPositions }
  }
}

/** Long wavelengths are stretched, short ones kept, those between blended. */
function llama3Frequencies(json: RopeJson, { theta, headDim }: RopeBase): number[] {
  const [factor, low, high] = [json.factor ?? 1, json.low_freq_factor ?? 1, json.high_freq_factor ?? 1]
  const original = json.original_max_position_embeddings ?? 1
  return plainFrequencies(theta, headDim).map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency
    if (wavelength < original / high) return frequency
    if (wavelength > original / low) return frequency / factor
    const kept = (original / wavelength - low) / (high - low)
    return ((1 - kept) * frequency) / factor + kept * frequency
  })
}

/**
 * Pairs that turn often within the original length are kept, those that turn less than once
 * stretched, with a ramp between.
 */
function yarnScaling(json: RopeJson, { theta, headDim }: RopeBase, original: number): RotaryScaling {
  const factor = json.factor ?? 1
  // Zero means the default, as in the reference.
  const pairOf = (turns: number) =>
    (headDim * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta))
  const [first, last] = [pairOf(json.beta_fast || 32), pairOf(json.beta_slow || 1)]
  const low = Math.max(json.truncate ? Math.floor(first) : first, 0)
  const high = Math.min(json.truncate ? Math.ceil(last) : last, headDim - 1)
  const width = high === low ? 0.001 : high - low
  const frequencies = plainFrequencies(theta, headDim).map((frequency, i) => {
    const stretched = Math.min(Math.max((i - low) / width, 0), 1)
    return (frequency / factor) * stretched + frequency * (1 - stretched)
  })
  return {
    frequencies,
    magnitude: json.attention_factor ?? yarnMagnitude(factor, json.mscale, json.mscale_all_dim),
  }
}

function yarnMagnitude(
  factor: number,
  scale: number | null | undefined,
  scaleAll: number | null | undefined,
): number {
  const of = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1)
  return scale && scaleAll ? of(scale) / of(scaleAll) : of(1)
}
