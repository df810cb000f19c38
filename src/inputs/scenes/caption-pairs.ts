/** @file Pictures with their captions, for a dual encoder. */

import { stream } from '../../foundation/numeric/random.ts'
import { describeObject } from './object-scenes.ts'
import { type Description, describe, isReserved, type SceneUse } from './scene.ts'
import { captions } from './texts.ts'
import { hardContents } from './variants.ts'
import type { World } from './world.ts'

/**
 * A picture and its caption; hard captions are true of a slightly changed scene and false of this
 * one.
 */
export interface CaptionPair {
  description: Description
  caption: string
  hardCaptions: string[]
}

/**
 * Pair `index` for a dual encoder: half scenes with their full caption, half objects with their
 * bare label (no hard captions).
 */
export function captionPair(world: World, seed: number, index: number, use: SceneUse = 'train'): CaptionPair {
  const random = stream(seed, world.name, use, 'pair', index)
  if (random() < 0.5) {
    const description = describeObject(world, random, use)
    return { description, caption: world.all[description.parts[0]!.concept]!.label, hardCaptions: [] }
  }
  const description = describe(world, random, { use, accept: (content) => content.kind !== 'single' })
  const caption = captions(description, world).background
  const hard = hardContents(description, world, random).filter(
    (content) => use === 'test' || !isReserved(content),
  )
  const hardCaptions = hard.map((content) => captions(content, world).background)
  return { description, caption, hardCaptions }
}
