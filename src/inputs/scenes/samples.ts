/**
 * @file The training streams: sample number `index` of a run. Each is made from its number alone,
 * so any worker can make any sample.
 */

import { pick, type Random, shuffle, stream } from '../../foundation/numeric/random.ts'
import { describeObject } from './object-scenes.ts'
import type { Sample, SampleKind } from './sample.ts'
import { describe, type SceneUse } from './scene.ts'
import { anyQuestion, coloured, MOST_TAGS, readingSample, textSample, whichShape } from './text-samples.ts'
import { captions, questions } from './texts.ts'
import type { World } from './world.ts'

/**
 * Prompts of the three caption levels: another text for each, so that the answer is never
 * ambiguous.
 */
export const CAPTION_PROMPTS = {
  background: 'Describe the image.',
  core: 'Describe the image without its background.',
  list: 'List the things in the image.',
} as const
const LABEL_PROMPT = 'What is in the picture?'
const GROUP_PROMPT = 'What kind of thing is in the picture?'
const TAGS_PROMPT = 'Which words fit the picture?'

/** A scene of counted or tinted things, and a question of that type. */
function askedSample(kind: 'count' | 'colour', world: World, random: Random, use: SceneUse): Sample {
  const scene = kind === 'colour' ? 'tinted' : random() < 0.7 ? 'count' : 'mixed'
  const description = describe(world, random, { use, kind: scene })
  const asked = questions(description, world).filter(({ type }) => type === kind)
  const { question, answer } = pick(asked, random)
  return { kind, description, prompt: question, answer }
}

/**
 * Prompts whose answers put a shape's name and its colour side by side, so that either is told
 * right after the other.
 */
const PAIR_PROMPTS = {
  name: 'Name each shape and its colour.',
  colour: 'Name each colour and its shape.',
} as const
/** Shares of the two prompts; the rest ask which shape has a colour. */
const PAIR_SHARE = 0.375

/** Two silhouettes, in either order: nothing but looking tells which colour belongs to which. */
function shapesSample(world: World, random: Random, use: SceneUse): Sample {
  const description = describe(world, random, { use, kind: 'tinted' })
  const share = random()
  const shapes = shuffle(coloured(description, world), random)
  const ask = (prompt: string, answer: string): Sample => ({ kind: 'shapes', description, prompt, answer })
  if (share < PAIR_SHARE)
    return ask(PAIR_PROMPTS.name, shapes.map(({ name, colour }) => `${name} ${colour}`).join(', '))
  if (share < 2 * PAIR_SHARE)
    return ask(PAIR_PROMPTS.colour, shapes.map(({ name, colour }) => `${colour} ${name}`).join(', '))
  return ask(whichShape(shapes[0]!), shapes[0]!.name)
}

function sceneSample(kind: 'caption' | 'qa', world: World, random: Random, use: SceneUse): Sample {
  const description = describe(world, random, { use })
  if (kind === 'qa') {
    const { question, answer } = anyQuestion(description, world, random)
    return { kind, description, prompt: question, answer }
  }
  const share = random()
  const level = share < 0.5 ? 'background' : share < 0.8 ? 'core' : 'list'
  return { kind, description, prompt: CAPTION_PROMPTS[level], answer: captions(description, world)[level] }
}

function objectSample(
  kind: 'label' | 'silhouette' | 'tags' | 'group',
  world: World,
  random: Random,
  use: SceneUse,
): Sample {
  const description = describeObject(world, random, use, kind === 'silhouette' ? 'silhouette' : 'drawing')
  const concept = world.all[description.parts[0]!.concept]!
  if (kind === 'tags' && concept.tags.length > 0) {
    return { kind, description, prompt: TAGS_PROMPT, answer: concept.tags.slice(0, MOST_TAGS).join(', ') }
  }
  if (kind === 'group') return { kind, description, prompt: GROUP_PROMPT, answer: concept.group }
  return {
    kind: kind === 'silhouette' ? kind : 'label',
    description,
    prompt: LABEL_PROMPT,
    answer: concept.label,
  }
}

/**
 * 60 % scenes, half captions and half questions; 40 % objects, 70 % of them labels, the rest tags
 * and groups (specs/twins.md §3.2).
 */
function drawKind(random: Random): 'caption' | 'qa' | 'label' | 'tags' | 'group' {
  const share = random()
  if (share < 0.3) return 'caption'
  if (share < 0.6) return 'qa'
  if (share < 0.88) return 'label'
  return share < 0.94 ? 'tags' : 'group'
}

export interface SampleOptions {
  /** Default: a picture kind by its share; `text` and `reading` are asked for by name. */
  kind?: SampleKind
  /** `test` draws from the reserved contents only (held-out losses). Default `train`. */
  use?: SceneUse
}

/**
 * Sample `index` of the stream `seed`. Samples of kind `tags` fall back to `label` for a concept
 * without tags.
 */
export function pretrainingSample(
  world: World,
  seed: number,
  index: number,
  { kind, use = 'train' }: SampleOptions = {},
): Sample {
  const random = stream(seed, world.name, use, 'sample', index)
  const drawn = kind ?? drawKind(random)
  switch (drawn) {
    case 'caption':
    case 'qa':
      return sceneSample(drawn, world, random, use)
    case 'count':
    case 'colour':
      return askedSample(drawn, world, random, use)
    case 'shapes':
      return shapesSample(world, random, use)
    case 'reading':
      return readingSample(world, random, use)
    case 'text':
      return textSample(world, random, use)
    default:
      return objectSample(drawn, world, random, use)
  }
}
