/** @file Samples without a picture: captions with questions about them, and what words mean. */

import { below, pick, type Random, shuffle } from '../../foundation/numeric/random.ts'
import { COLOURS } from './colours.ts'
import { TRAINING_STYLES } from './concepts.ts'
import { listed, withArticle } from './nouns.ts'
import type { Sample } from './sample.ts'
import { type Content, describe, differentThings, type SceneUse } from './scene.ts'
import { captions, onBackground, type Question, questions, whatColour } from './texts.ts'
import type { World } from './world.ts'

/** Tags in an answer at most. */
export const MOST_TAGS = 4

/**
 * One question of a random type; then one of that type, so that frequent types don't crowd out the
 * rest.
 */
export function anyQuestion(content: Content, world: World, random: Random): Question {
  const all = questions(content, world)
  const type = pick([...new Set(all.map((question) => question.type))], random)
  return pick(
    all.filter((question) => question.type === type),
    random,
  )
}

/** A silhouette, in words. */
interface Shape {
  name: string
  colour: string
}

/** The silhouettes of a scene. */
export const coloured = ({ parts }: Content, world: World): Shape[] =>
  parts.flatMap(({ concept, colour }) =>
    colour === undefined ? [] : [{ name: world.all[concept]!.label, colour: COLOURS[colour]!.name }],
  )

export const whichShape = ({ colour }: Shape) => `Which shape is ${colour}?`

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
export function readingSample(world: World, random: Random, use: SceneUse): Sample {
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
export function textSample(world: World, random: Random, use: SceneUse): Sample {
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
