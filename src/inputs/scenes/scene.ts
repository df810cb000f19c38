/**
 * @file Scenes: what a picture shows (`Content`), where (`Description`), drawn at random from a
 * seeded stream. Pictures stay descriptions until drawn.
 */

import { below, fnv1a32, pick, type Random, shuffle } from '../../foundation/numeric/random.ts'
import { COLOURS } from './colours.ts'
import { type Concept, STYLES, TRAINING_STYLES } from './concepts.ts'
import { ScenesError } from './errors.ts'
import type { World } from './world.ts'

/** Side of every picture in pixels. */
export const PICTURE = 96
/**
 * Sprites stand at multiples of this, in multiples of this size: a drawing always covers whole
 * patches of the models.
 */
export const PATCH = 24
const SIDE = PICTURE / PATCH

/**
 * In each kind the order of the parts matters: left/upper first, big before small, row from left to
 * right.
 */
export const SCENE_KINDS = ['single', 'count', 'pair', 'mixed', 'row', 'sizes', 'tinted'] as const
export type SceneKind = (typeof SCENE_KINDS)[number]

/** The first part's place relative to the second. */
export type Relation = 'left' | 'above'

/**
 * `count` equal drawings of one concept; `colour` (position in `COLOURS`) makes them silhouettes.
 */
export interface Part {
  readonly concept: number
  readonly count: number
  readonly colour?: number
}

/** The content of a scene, without its layout. */
export interface Content {
  readonly kind: SceneKind
  /** Position in `COLOURS`. */
  readonly background: number
  /** Position in `STYLES`; one style a scene. */
  readonly style: number
  readonly parts: readonly Part[]
  readonly relation?: Relation
}

/** One drawing's square, in pixels; all multiples of 24. */
export interface Place {
  readonly x: number
  readonly y: number
  readonly size: number
}

/**
 * A scene that can be drawn: plain data, so it crosses threads and files. `places` run through the
 * parts in order.
 */
export interface Description extends Content {
  readonly places: readonly Place[]
}

/** The content of a scene as a string. Two layouts of the same content have the same one. */
export function contentKey({ kind, background, style, parts, relation }: Content): string {
  const things = parts.map(
    (part) => `${part.concept}x${part.count}${part.colour === undefined ? '' : `c${part.colour}`}`,
  )
  return [kind, COLOURS[background]!.name, STYLES[style]!, things.join('+'), relation ?? ''].join('|')
}

/** The key of the picture that a description gives: equal for equal pictures. */
export function pictureKey(description: Description): string {
  return `${contentKey(description)}@${description.places.map(({ x, y, size }) => `${x},${y},${size}`).join(';')}`
}

/**
 * A tenth of all contents is never shown before the test (specs/embedded-data.md §4.3, held-out
 * combinations).
 */
export function isReserved(content: Content): boolean {
  return fnv1a32(contentKey(content)) % 10 === 0
}

function cell(column: number, row: number, size: number): Place {
  return { x: column * PATCH, y: row * PATCH, size }
}

function scattered(count: number, random: Random): Place[] {
  const cells = shuffle(
    Array.from({ length: SIDE * SIDE }, (_, i) => i),
    random,
  )
  return cells.slice(0, count).map((i) => cell(i % SIDE, (i / SIDE) | 0, PATCH))
}

/**
 * Two places, further apart along the relation's axis than across it, so that the relation is never
 * in doubt.
 */
function related(relation: Relation, size: number, random: Random): Place[] {
  const span = size / PATCH
  const free = SIDE - span
  const first = below(free - 1, random)
  const second = first + 2 + below(free - 1 - first, random)
  const across = below(free + 1, random)
  const other = Math.min(free, Math.max(0, across + below(3, random) - 1))
  const at = (along: number, aside: number) =>
    relation === 'left' ? cell(along, aside, size) : cell(aside, along, size)
  return [at(first, across), at(second, other)]
}

function bigAndSmall(random: Random): Place[] {
  const span = 2 + below(2, random)
  const column = below(SIDE - span + 1, random)
  const row = below(SIDE - span + 1, random)
  for (;;) {
    const x = below(SIDE, random)
    const y = below(SIDE, random)
    if (x >= column && x < column + span && y >= row && y < row + span) continue
    return [cell(column, row, span * PATCH), cell(x, y, PATCH)]
  }
}

/** A random layout of the content. */
export function place(content: Content, random: Random): Description {
  const count = content.parts.reduce((sum, part) => sum + part.count, 0)
  switch (content.kind) {
    case 'single': {
      const span = 2 + below(2, random)
      return {
        ...content,
        places: [cell(below(SIDE - span + 1, random), below(SIDE - span + 1, random), span * PATCH)],
      }
    }
    case 'count':
    case 'mixed':
      return { ...content, places: scattered(count, random) }
    case 'pair':
      return {
        ...content,
        places: related(content.relation ?? 'left', PATCH * (1 + below(2, random)), random),
      }
    case 'tinted':
      return { ...content, places: related(content.relation ?? 'left', 2 * PATCH, random) }
    case 'row': {
      const row = below(SIDE, random)
      const gap = below(SIDE, random)
      const columns = [0, 1, 2, 3].filter((column) => column !== gap)
      return { ...content, places: columns.map((column) => cell(column, row, PATCH)) }
    }
    case 'sizes':
      return { ...content, places: bigAndSmall(random) }
  }
}

/** How often each kind is drawn, in twentieths. */
const KIND_SHARES: { readonly [K in SceneKind]: number } = {
  single: 4,
  count: 4,
  pair: 5,
  mixed: 2,
  row: 1,
  sizes: 2,
  tinted: 2,
}
const KIND_WHEEL = SCENE_KINDS.flatMap((kind) => Array.from({ length: KIND_SHARES[kind] }, () => kind))
const MOST_COUNTED = 6
const MOST_MIXED = 3

/** `count` different things, no two of a cluster. */
export function differentThings(things: readonly Concept[], count: number, random: Random): Concept[] {
  const chosen: Concept[] = []
  while (chosen.length < count) {
    const next = pick(things, random)
    if (!chosen.some((other) => other.cluster === next.cluster)) chosen.push(next)
  }
  return chosen
}

/** `count` different colours, none of them `not`. */
function differentColours(count: number, not: number, random: Random): number[] {
  const colours = COLOURS.map((_, i) => i).filter((i) => i !== not)
  return shuffle(colours, random).slice(0, count)
}

const PARTS_OF: { readonly [K in SceneKind]: number } = {
  single: 1,
  count: 1,
  pair: 2,
  mixed: 2,
  row: 3,
  sizes: 2,
  tinted: 2,
}

/** Random content over the given things per style; nothing is reserved or refused here. */
function randomContent(kind: SceneKind, style: number, things: readonly Concept[], random: Random): Content {
  const background = below(COLOURS.length, random)
  const concepts = differentThings(things, PARTS_OF[kind], random)
  const relation: Relation = random() < 0.5 ? 'left' : 'above'
  const ones = concepts.map((concept) => ({ concept: concept.index, count: 1 }))
  switch (kind) {
    case 'count':
      return {
        kind,
        background,
        style,
        parts: [{ concept: ones[0]!.concept, count: 1 + below(MOST_COUNTED, random) }],
      }
    case 'mixed':
      return {
        kind,
        background,
        style,
        parts: ones.map((part) => ({ ...part, count: 1 + below(MOST_MIXED, random) })),
      }
    case 'pair':
      return { kind, background, style, parts: ones, relation }
    case 'tinted': {
      const colours = differentColours(2, background, random)
      return {
        kind,
        background,
        style,
        parts: ones.map((part, i) => ({ ...part, colour: colours[i]! })),
        relation,
      }
    }
    default:
      return { kind, background, style, parts: ones }
  }
}

/**
 * Which side of the split a scene is for: training never draws reserved contents, a test draws only
 * them.
 */
export type SceneUse = 'train' | 'test'

export interface DescribeOptions {
  use: SceneUse
  /** Default: a kind by its share. */
  kind?: SceneKind
  /** Further conditions, tried until one content meets them. */
  accept?: (content: Content) => boolean
}

const MOST_TRIES = 20_000

/**
 * A random scene of the world's training things, each in one of its three shown styles.
 * @throws ScenesError `scenes/no-scene` when nothing acceptable was found
 */
export function describe(world: World, random: Random, { use, kind, accept }: DescribeOptions): Description {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const style = below(TRAINING_STYLES, random)
    const content = randomContent(
      kind ?? pick(KIND_WHEEL, random),
      style,
      world.thingsByStyle[style]!,
      random,
    )
    if (isReserved(content) !== (use === 'test') || accept?.(content) === false) continue
    return place(content, random)
  }
  throw new ScenesError('no-scene', {
    message: `no ${kind ?? 'scene'} for ${use} met the conditions in ${MOST_TRIES} tries`,
    hint: 'Loosen `accept`, or take a larger world.',
  })
}

/** One thing alone on a background. */
export function single(concept: number, style: number, background: number): Content {
  return { kind: 'single', background, style, parts: [{ concept, count: 1 }] }
}
