/** @file One thing alone in a picture. */

import { below, pick, type Random } from '../../foundation/numeric/random.ts'
import { COLOURS } from './colours.ts'
import { TRAINING_STYLES } from './concepts.ts'
import { type Content, type Description, isReserved, place, type SceneUse, single } from './scene.ts'
import type { World } from './world.ts'

/**
 * One training concept alone, in a shown style, on a random background; on the wanted side of the
 * split.
 */
export function describeObject(
  world: World,
  random: Random,
  use: SceneUse,
  form: 'drawing' | 'silhouette' = 'drawing',
): Description {
  for (;;) {
    const concept = pick(world.training, random)
    const style = below(TRAINING_STYLES, random)
    const drawing = single(concept.index, style, below(COLOURS.length, random))
    const content = form === 'drawing' ? drawing : filled(drawing, random)
    if (style !== concept.withheld && isReserved(content) === (use === 'test')) return place(content, random)
  }
}

/** The thing as a silhouette, in another colour than the background's. */
function filled(content: Content, random: Random): Content {
  const colour = (content.background + 1 + below(COLOURS.length - 1, random)) % COLOURS.length
  return { ...content, parts: content.parts.map((part) => ({ ...part, colour })) }
}
