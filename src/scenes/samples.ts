/** @file The training streams: what sample number `index` of a run shows and says. Counter-based, so any worker can make any sample. */

import { below, pick, type Random, stream } from '../numeric/random.ts'
import { COLOURS } from './colours.ts'
import { TRAINING_STYLES } from './concepts.ts'
import { type Content, type Description, describe, isReserved, place, type SceneUse, single } from './scene.ts'
import { captions, type Question, questions } from './texts.ts'
import { hardContents } from './variants.ts'
import type { World } from './world.ts'

/**
 * `qa` asks any question of any scene; `count` and `colour` ask how many things there are and what colour a silhouette has; `reading` asks of a
 * caption what a picture would be asked; `text` is reading and what words mean, half and half.
 */
export type SampleKind = 'caption' | 'qa' | 'count' | 'colour' | 'label' | 'tags' | 'group' | 'reading' | 'text'

/** A picture, a user's text and the answer to learn. The chat template is added by the model's processor. */
export interface Sample {
  kind: SampleKind
  /** Null for text-only samples. */
  description: Description | null
  prompt: string
  answer: string
}

/** A sample with a picture. */
type SeenSample = Sample & { description: Description }

/** Prompts of the three caption levels: another text for each, so that the answer is never ambiguous. */
export const CAPTION_PROMPTS = {
  background: 'Describe the image.',
  core: 'Describe the image without its background.',
  list: 'List the things in the image.',
} as const
const LABEL_PROMPT = 'What is in the picture?'
const GROUP_PROMPT = 'What kind of thing is in the picture?'
const TAGS_PROMPT = 'Which words fit the picture?'

const MOST_TAGS = 4

/** One question of a random type; then one of that type, so that frequent types don't crowd out the rest. */
function anyQuestion(content: Content, world: World, random: Random): Question {
  const all = questions(content, world)
  const type = pick([...new Set(all.map((question) => question.type))], random)
  return pick(
    all.filter((question) => question.type === type),
    random,
  )
}

/** One training concept alone, in a shown style, on a random background; on the wanted side of the split. */
function describeObject(world: World, random: Random, use: SceneUse): Description {
  for (;;) {
    const concept = pick(world.training, random)
    const style = below(TRAINING_STYLES, random)
    const content = single(concept.index, style, below(COLOURS.length, random))
    if (style !== concept.withheld && isReserved(content) === (use === 'test')) return place(content, random)
  }
}

/** A scene of counted or tinted things, and a question of that type. */
function askedSample(kind: 'count' | 'colour', world: World, random: Random, use: SceneUse): SeenSample {
  const scene = kind === 'colour' ? 'tinted' : random() < 0.7 ? 'count' : 'mixed'
  const description = describe(world, random, { use, kind: scene })
  const asked = questions(description, world).filter(({ type }) => type === kind)
  const { question, answer } = pick(asked, random)
  return { kind, description, prompt: question, answer }
}

function sceneSample(kind: 'caption' | 'qa', world: World, random: Random, use: SceneUse): SeenSample {
  const description = describe(world, random, { use })
  if (kind === 'qa') {
    const { question, answer } = anyQuestion(description, world, random)
    return { kind, description, prompt: question, answer }
  }
  const share = random()
  const level = share < 0.5 ? 'background' : share < 0.8 ? 'core' : 'list'
  return { kind, description, prompt: CAPTION_PROMPTS[level], answer: captions(description, world)[level] }
}

function objectSample(kind: 'label' | 'tags' | 'group', world: World, random: Random, use: SceneUse): Sample {
  const description = describeObject(world, random, use)
  const concept = world.all[description.parts[0]!.concept]!
  if (kind === 'tags' && concept.tags.length > 0) {
    return { kind, description, prompt: TAGS_PROMPT, answer: concept.tags.slice(0, MOST_TAGS).join(', ') }
  }
  if (kind === 'group') return { kind, description, prompt: GROUP_PROMPT, answer: concept.group }
  return { kind: 'label', description, prompt: LABEL_PROMPT, answer: concept.label }
}

/** What is asked of a caption. With its background it answers every question but what kind of thing the object is; that one knows the words. */
function aboutCaption(content: Content, question: string, world: World): string {
  return `An image shows ${captions(content, world).background}. ${question}`
}

/** Shares of questions about shapes' colours and about counts; the rest are of any type. Without them, lookups of a named shape are too rare to be learnt. */
const READING_SHARES = { colour: 0.25, count: 0.15 } as const

/** A question of the picture streams, about the scene's caption instead. */
function readingSample(world: World, random: Random, use: SceneUse): Sample {
  const share = random()
  const about =
    share < READING_SHARES.colour
      ? askedSample('colour', world, random, use)
      : share < READING_SHARES.colour + READING_SHARES.count
        ? askedSample('count', world, random, use)
        : sceneSample('qa', world, random, use)
  return { kind: 'reading', description: null, prompt: aboutCaption(about.description, about.prompt, world), answer: about.answer }
}

/** Half questions about a caption, half what kind of thing a word names and which words go with it. */
function textSample(world: World, random: Random, use: SceneUse): Sample {
  if (random() < 0.5) {
    const content = describe(world, random, { use })
    const { question, answer } = anyQuestion(content, world, random)
    return { kind: 'text', description: null, prompt: aboutCaption(content, question, world), answer }
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
  return { kind: 'text', description: null, prompt: `What kind of thing is "${concept.label}"?`, answer: concept.group }
}

/** 60 % scenes, half captions and half questions; 40 % objects, 70 % of them labels, the rest tags and groups (specs/twins.md §3.2). */
function drawKind(random: Random): Exclude<SampleKind, 'reading' | 'text'> {
  const share = random()
  if (share < 0.3) return 'caption'
  if (share < 0.6) return 'qa'
  if (share < 0.88) return 'label'
  return share < 0.94 ? 'tags' : 'group'
}

export interface SampleOptions {
  /** Default: a picture kind by its share; the caller asks for `text` in every twelfth batch. */
  kind?: SampleKind
  /** `test` draws from the reserved contents only (held-out losses). Default `train`. */
  use?: SceneUse
}

/** Sample `index` of the stream `seed`. Samples of kind `tags` fall back to `label` for a concept without tags. */
export function pretrainingSample(world: World, seed: number, index: number, { kind, use = 'train' }: SampleOptions = {}): Sample {
  const random = stream(seed, world.name, use, 'sample', index)
  const drawn = kind ?? drawKind(random)
  switch (drawn) {
    case 'caption':
    case 'qa':
      return sceneSample(drawn, world, random, use)
    case 'count':
    case 'colour':
      return askedSample(drawn, world, random, use)
    case 'reading':
      return readingSample(world, random, use)
    case 'text':
      return textSample(world, random, use)
    default:
      return objectSample(drawn, world, random, use)
  }
}

/** A picture and its caption; hard captions are true of a slightly changed scene and false of this one. */
export interface CaptionPair {
  description: Description
  caption: string
  hardCaptions: string[]
}

/** Pair `index` for a dual encoder: half scenes with their full caption, half objects with their bare label (no hard captions). */
export function captionPair(world: World, seed: number, index: number, use: SceneUse = 'train'): CaptionPair {
  const random = stream(seed, world.name, use, 'pair', index)
  if (random() < 0.5) {
    const description = describeObject(world, random, use)
    return { description, caption: world.all[description.parts[0]!.concept]!.label, hardCaptions: [] }
  }
  const description = describe(world, random, { use, accept: (content) => content.kind !== 'single' })
  const caption = captions(description, world).background
  const hard = hardContents(description, world, random).filter((content) => use === 'test' || !isReserved(content))
  const hardCaptions = hard.map((content) => captions(content, world).background)
  return { description, caption, hardCaptions }
}
