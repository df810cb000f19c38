/**
 * @file The training streams: sample number `index` of a run. Each is made from its number alone,
 * so any worker can make any sample.
 */

import { below, pick, type Random, shuffle, stream } from '../../foundation/numeric/random.ts'
import { COLOURS } from './colours.ts'
import { TRAINING_STYLES } from './concepts.ts'
import { listed, withArticle } from './nouns.ts'
import {
  type Content,
  type Description,
  describe,
  differentThings,
  isReserved,
  place,
  type SceneUse,
  single,
} from './scene.ts'
import { captions, onBackground, type Question, questions, whatColour } from './texts.ts'
import { hardContents } from './variants.ts'
import type { World } from './world.ts'

/**
 * `qa` asks any question of any scene; `count` and `colour` ask how many things there are and what
 * colour a silhouette has; `shapes` asks for silhouettes by their colours and for both together;
 * `silhouette` is `label` of a silhouette; `reading` is a plain text of a caption and questions
 * with their answers; `text` asks of a caption what a picture would be asked, or what words mean,
 * half and half.
 */
export type SampleKind =
  | 'caption'
  | 'qa'
  | 'count'
  | 'colour'
  | 'shapes'
  | 'label'
  | 'silhouette'
  | 'tags'
  | 'group'
  | 'reading'
  | 'text'

/**
 * A picture, a user's text and the answer to learn. The chat template is added by the model's
 * processor.
 */
export interface Sample {
  kind: SampleKind
  /** Null for text-only samples. */
  description: Description | null
  /** Empty in a plain text, which no user asked for: it is learnt from its first word on. */
  prompt: string
  answer: string
}

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

const MOST_TAGS = 4

/**
 * One question of a random type; then one of that type, so that frequent types don't crowd out the
 * rest.
 */
function anyQuestion(content: Content, world: World, random: Random): Question {
  const all = questions(content, world)
  const type = pick([...new Set(all.map((question) => question.type))], random)
  return pick(
    all.filter((question) => question.type === type),
    random,
  )
}

/**
 * One training concept alone, in a shown style, on a random background; on the wanted side of the
 * split.
 */
function describeObject(
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

interface Shape {
  name: string
  colour: string
}

const coloured = ({ parts }: Content, world: World): Shape[] =>
  parts.flatMap(({ concept, colour }) =>
    colour === undefined ? [] : [{ name: world.all[concept]!.label, colour: COLOURS[colour]!.name }],
  )

const whichShape = ({ colour }: Shape) => `Which shape is ${colour}?`

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

const shown = (caption: string) => `An image shows ${caption}.`

/**
 * Share of plain texts about more shapes than a picture holds: among many, a guess is seldom right.
 */
const LIST_SHARE = 0.4
const FEWEST_LISTED = 2
const MOST_LISTED = 5
/** Questions of a plain text at most. */
const MOST_ASKED = 4

/** A caption and some questions about it with their answers, as one text. */
function readingSample(world: World, random: Random, use: SceneUse): Sample {
  const { caption, asked } =
    random() < LIST_SHARE ? listedShapes(world, random) : captioned(world, random, use)
  const lines = shuffle(asked, random)
    .slice(0, MOST_ASKED)
    .map(({ question, answer }) => `${question} ${answer}.`)
  return { kind: 'reading', description: null, prompt: '', answer: [shown(caption), ...lines].join(' ') }
}

interface ReadScene {
  caption: string
  asked: Pick<Question, 'question' | 'answer'>[]
}

function captioned(world: World, random: Random, use: SceneUse): ReadScene {
  const content = describe(world, random, { use })
  const shapes = coloured(content, world).map((shape) => ({
    question: whichShape(shape),
    answer: shape.name,
  }))
  return { caption: captions(content, world).background, asked: [...questions(content, world), ...shapes] }
}

function listedShapes(world: World, random: Random): ReadScene {
  const count = FEWEST_LISTED + below(MOST_LISTED - FEWEST_LISTED + 1, random)
  const things = differentThings(world.thingsByStyle[below(TRAINING_STYLES, random)]!, count, random)
  const colours = shuffle(
    COLOURS.map((_, i) => i),
    random,
  )
  const shapes = things.map(({ label }, i): Shape => ({ name: label, colour: COLOURS[colours[i]!]!.name }))
  return {
    caption: `${listed(shapes.map(({ name, colour }) => withArticle(`${colour} ${name} shape`)))} ${onBackground(colours[count]!)}`,
    asked: shapes.flatMap((shape) => [
      { question: whatColour(shape.name), answer: shape.colour },
      { question: whichShape(shape), answer: shape.name },
    ]),
  }
}

/**
 * Half questions about a caption, half what kind of thing a word names and which words go with it.
 */
function textSample(world: World, random: Random, use: SceneUse): Sample {
  if (random() < 0.5) {
    const content = describe(world, random, { use })
    const { question, answer } = anyQuestion(content, world, random)
    // The caption with its background answers every question but what kind of thing the object is;
    // that one knows the words.
    return {
      kind: 'text',
      description: null,
      prompt: `${shown(captions(content, world).background)} ${question}`,
      answer,
    }
  }
  const concept = pick(world.training, random)
  if (random() < 0.5 && concept.tags.length > 0) {
    return {
      kind: 'text',
      description: null,
      prompt: `Which words fit "${concept.label}"?`,
      answer: concept.tags.slice(0, MOST_TAGS).join(', '),
    }
  }
  return {
    kind: 'text',
    description: null,
    prompt: `What kind of thing is "${concept.label}"?`,
    answer: concept.group,
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
