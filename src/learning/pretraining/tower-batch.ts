/** @file Batches of the image tower: a function of the step alone. */

import { below, pick, type Random, stream } from '../../foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { COLOURS } from '../../inputs/scenes/colours.ts'
import type { Description } from '../../inputs/scenes/scene.ts'
import type { Sheets } from '../../inputs/scenes/sheets.ts'
import type { World } from '../../inputs/scenes/world.ts'
import type { Tokenizer } from '../../inputs/text/tokenizer.ts'
import { drawBatch, patchContents } from './pictures.ts'
import { IMAGE_TOKENS, TOWER, type TowerTraining, variedShares } from './recipe.ts'
import { randomVariation, redrawn } from './variation.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

/**
 * Colour jitter: gain and shift of each channel are drawn from ± these. Mild, since background
 * colours are named.
 */
const GAIN = 0.12
const SHIFT = 0.06

/** Weight of a patch of bare background in the patch losses; a drawing's patch weighs 1. */
const BACKGROUND_WEIGHT = 0.1

export interface TowerWorld {
  world: World
  sheets: Sheets
  tokenizer: Tokenizer
}

/** Feeds of `towerLoss`. */
export function towerBatch(
  { world, sheets, tokenizer }: TowerWorld,
  recipe: TowerTraining,
  step: number,
): Record<string, Tensor> {
  const { batch, bank, seed } = recipe
  const random = stream(seed, 'tower', step)
  const { varied, silhouettes } = variedShares(recipe, step)
  const pairs = Array.from({ length: batch }, (_, i) => {
    const pair = captionPair(world, seed, step * batch + i)
    return silhouettes > 0 && pair.description.kind === 'single' && random() < silhouettes
      ? { ...pair, description: silhouette(pair.description, random) }
      : pair
  })
  const classOf = new Map(world.training.map((concept, i) => [concept.index, i]))
  const hard = pairs.flatMap(({ hardCaptions }) =>
    hardCaptions.length > 0 ? [pick(hardCaptions, random)] : [],
  )
  const labels = Array.from({ length: bank }, () => pick(world.training, random).label)
  const texts = [...pairs.map(({ caption }) => caption), ...hard, ...labels]
  const groups = new Map<string, number>()
  const groupOf = (text: string) => {
    const known = groups.get(text) ?? groups.size
    groups.set(text, known)
    return known
  }
  const textGroups = texts.map(groupOf)
  const patches = pairs.flatMap(({ description }) => patchContents(description))
  const jitter = (size: number, at: number) =>
    f32(
      [batch, 3, 1, 1],
      Array.from({ length: batch * 3 }, () => at + size * (2 * random() - 1)),
    )
  const count = batch * IMAGE_TOKENS
  return {
    pixels: drawBatch(
      pairs.map(({ description }) => description),
      sheets,
      () => (varied > 0 && random() < varied ? redrawn(randomVariation(random)) : undefined),
    ),
    gain: jitter(GAIN, 1),
    shift: jitter(SHIFT, 0),
    text_ids: textIds(texts, tokenizer),
    image_group: i64([batch], textGroups.slice(0, batch)),
    text_group: i64([texts.length], textGroups),
    patch_concept: i64(
      [count],
      patches.map((patch) => (patch === undefined ? world.training.length : classOf.get(patch.concept)!)),
    ),
    patch_tint: i64(
      [count],
      patches.map((patch) => patch?.colour ?? COLOURS.length),
    ),
    patch_weight: f32(
      [count],
      patches.map((patch) => (patch === undefined ? BACKGROUND_WEIGHT : 1)),
    ),
    background: i64(
      [batch],
      pairs.map(({ description }) => description.background),
    ),
  }
}

/**
 * The things filled with one colour that the background does not have. Not held to the split of
 * contents: no task tests such pictures.
 */
function silhouette(description: Description, random: Random): Description {
  const colour = (description.background + 1 + below(COLOURS.length - 1, random)) % COLOURS.length
  return { ...description, parts: description.parts.map((part) => ({ ...part, colour })) }
}

/**
 * Texts for the text tower: ended and filled with the end token, cut to its length.
 * @returns `[texts, length] i64`
 */
export function textIds(texts: readonly string[], tokenizer: Tokenizer): Tensor<'i64'> {
  const ids = new BigInt64Array(texts.length * TOWER.textLength).fill(BigInt(SPECIAL_IDS.eos))
  for (const [row, text] of texts.entries()) {
    const own = tokenizer.encode(text, { addSpecialTokens: false }).slice(0, TOWER.textLength - 1)
    for (const [i, id] of own.entries()) ids[row * TOWER.textLength + i] = BigInt(id)
  }
  return { dtype: 'i64', dims: [texts.length, TOWER.textLength], data: ids }
}
