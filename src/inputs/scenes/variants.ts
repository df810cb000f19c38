/**
 * @file Near-copies of a scene: roles swapped, relation, colours or count changed, one thing
 * exchanged, another background.
 */

import { below, pick, type Random } from '../../foundation/numeric/random.ts'
import { COLOURS } from './colours.ts'
import type { Content, Part } from './scene.ts'
import type { World } from './world.ts'

/**
 * The same scene on another background that no part's colour equals; `undefined` never happens with
 * twelve colours.
 */
function onOtherBackground(content: Content, random: Random): Content {
  const taken = new Set([content.background, ...content.parts.map((part) => part.colour)])
  return {
    ...content,
    background: pick(
      COLOURS.map((_, i) => i).filter((i) => !taken.has(i)),
      random,
    ),
  }
}

/** One thing exchanged for another of the same style that is not in the scene. */
function withOtherThing(content: Content, world: World, random: Random): Content {
  const clusters = new Set(content.parts.map((part) => world.all[part.concept]!.cluster))
  const position = below(content.parts.length, random)
  for (;;) {
    const next = pick(world.thingsByStyle[content.style]!, random)
    if (!clusters.has(next.cluster))
      return withPart(content, position, { ...content.parts[position]!, concept: next.index })
  }
}

function withPart(content: Content, position: number, part: Part): Content {
  return { ...content, parts: content.parts.map((old, i) => (i === position ? part : old)) }
}

/** Same things, other order or role: what a bag of words cannot tell from the original. */
function rearranged(content: Content, random: Random): Content {
  const [a, b] = content.parts
  if (a === undefined) return content
  switch (content.kind) {
    case 'count': {
      const other = 1 + ((a.count + below(5, random)) % 6)
      return { ...content, parts: [{ ...a, count: other }] }
    }
    case 'mixed':
      if (b === undefined || a.count === b.count)
        return { ...content, parts: [{ ...a, count: (a.count % 3) + 1 }, ...content.parts.slice(1)] }
      return {
        ...content,
        parts: [
          { ...a, count: b.count },
          { ...b, count: a.count },
        ],
      }
    case 'row':
      return { ...content, parts: [...content.parts.slice(1), a] }
    default:
      return b === undefined ? content : { ...content, parts: [b, a] }
  }
}

/**
 * Up to three hard negatives of a scene: rearranged; relation changed (or, where there is none,
 * another background); one thing exchanged. Each differs from the scene in what its caption with
 * background says.
 */
export function hardContents(content: Content, world: World, random: Random): Content[] {
  const turned: Content =
    content.relation === undefined
      ? onOtherBackground(content, random)
      : { ...content, relation: content.relation === 'left' ? 'above' : 'left' }
  const changed = content.kind === 'single' ? [] : [rearranged(content, random)]
  return [...changed, turned, withOtherThing(content, world, random)]
}
