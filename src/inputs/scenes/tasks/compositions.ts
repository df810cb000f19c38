/**
 * @file Tasks on scenes: questions about their parts, captions both ways, and pictures with a
 * described change.
 */

import { pick, type Random } from '../../../foundation/numeric/random.ts'
import { COLOURS } from '../colours.ts'
import { INSTRUCTIONS } from '../instructions.ts'
import { numberWord } from '../nouns.ts'
import {
  type Content,
  contentKey,
  type Description,
  describe,
  differentThings,
  isReserved,
  type Part,
  place,
  type SceneKind,
  type SceneUse,
} from '../scene.ts'
import { captions, onBackground, type Question, type QuestionType, questions } from '../texts.ts'
import { hardContents } from '../variants.ts'
import type { World } from '../world.ts'
import type { Candidate, Draft, Fillers, TaskPlan } from './assemble.ts'
import { imageCandidate, imageQuery, questionQuery, textCandidate, textQuery } from './task.ts'

const clusterOf = (world: World, part: Part) => `cluster ${world.all[part.concept]!.cluster}`
const textOf = (text: string): Candidate => ({ item: textCandidate(text), meaning: text })
/** Scenes with one caption mean the same, whatever their layout and drawing style. */
const sceneOf = (description: Description, world: World): Candidate => ({
  item: imageCandidate(description),
  meaning: captions(description, world).background,
})

/** `count` drafts of different contents. */
function collect(count: number, make: (index: number) => Draft | null): Draft[] {
  const drafts = new Map<string, Draft>()
  for (let tries = 0; drafts.size < count && tries < count * 20; tries++) {
    const draft = make(drafts.size)
    if (draft !== null && !drafts.has(draft.content)) drafts.set(draft.content, draft)
  }
  return [...drafts.values()]
}

/**
 * A draft from one of the scene's questions of this type; other parts' answers are its hard
 * candidates.
 */
function questionDraft(world: World, description: Description, type: QuestionType, random: Random): Draft {
  const asked: Question = pick(
    questions(description, world).filter((question) => question.type === type),
    random,
  )
  const answers = description.parts.map((part) =>
    part.colour === undefined ? world.all[part.concept]!.label : COLOURS[part.colour]!.name,
  )
  const answering = answers.indexOf(asked.answer)
  const hard = type === 'count' ? [] : answers.filter((answer) => answer !== asked.answer).map(textOf)
  return {
    query: questionQuery(asked.question, description),
    content: contentKey(description),
    positive: textOf(asked.answer),
    hard,
    cluster: clusterOf(world, description.parts[Math.max(0, answering)]!),
    apart: hard.length > 0,
  }
}

const listOf = (texts: readonly string[]): Fillers => {
  const all = texts.map(textOf)
  return () => all
}

const WHAT_KINDS: readonly SceneKind[] = ['pair', 'pair', 'pair', 'pair', 'row']
const HIGHEST_COUNT = 6

/** Hard negatives of a scene as pictures or captions; a training row never shows a reserved one. */
function hardOf(description: Description, world: World, use: SceneUse, random: Random): Content[] {
  return hardContents(description, world, random).filter((content) => use === 'test' || !isReserved(content))
}

function captionDraft(direction: 't2i' | 'i2t', world: World, use: SceneUse, random: Random): Draft {
  const description = describe(world, random, { use })
  const caption = captions(description, world).background
  const hard = hardOf(description, world, use, random)
  const shared = { content: contentKey(description), cluster: clusterOf(world, description.parts[0]!) }
  if (direction === 'i2t') {
    const wrong = hard.map((content) => textOf(captions(content, world).background))
    return {
      ...shared,
      query: imageQuery(INSTRUCTIONS.pictureToCaption, description),
      positive: textOf(caption),
      hard: wrong,
    }
  }
  return {
    ...shared,
    query: textQuery(`${INSTRUCTIONS.captionToPicture} ${caption}`),
    positive: sceneOf(description, world),
    hard: hard.map((content) => sceneOf(place(content, random), world)),
  }
}

/**
 * Query and target on one side of the reserved split: a scene and its change, or null when the
 * change has no target there.
 */
function composedDraft(
  world: World,
  use: SceneUse,
  random: Random,
  original: Description,
  changes: readonly Content[],
  instruction: (target: Content) => string,
): Draft | null {
  const allowed = changes.filter((content) => isReserved(content) === (use === 'test'))
  if (allowed.length === 0) return null
  const target = pick(allowed, random)
  const others = changes.filter((content) => content !== target && (use === 'test' || !isReserved(content)))
  // The query's own picture, the same parts changed otherwise, another scene that fits the words:
  // none of the inputs alone suffices.
  const hard = [
    original,
    ...(others.length > 0 ? [place(pick(others, random), random)] : []),
    elsewhere(world, use, random, target),
  ]
  return {
    query: imageQuery(`${INSTRUCTIONS.change} ${instruction(target)}`, original),
    content: contentKey(original),
    positive: sceneOf(place(target, random), world),
    hard: hard.map((description) => sceneOf(description, world)),
    cluster: clusterOf(world, original.parts[0]!),
  }
}

/**
 * The target with all its things exchanged: it fits the words of the change, but not the query's
 * picture.
 */
function elsewhere(world: World, use: SceneUse, random: Random, target: Content): Description {
  for (;;) {
    const things = differentThings(world.thingsByStyle[target.style]!, target.parts.length, random)
    const content = {
      ...target,
      parts: target.parts.map((part, i) => ({ ...part, concept: things[i]!.index })),
    }
    const own = target.parts.some((part) =>
      things.some((thing) => thing.cluster === world.all[part.concept]!.cluster),
    )
    if (!own && (use === 'test' || !isReserved(content))) return place(content, random)
  }
}

const backgroundsOf = (content: Content): Content[] =>
  COLOURS.map((_, background) => ({ ...content, background })).filter(
    ({ background }) =>
      background !== content.background && content.parts.every((part) => part.colour !== background),
  )

const countsOf = (content: Content): Content[] =>
  Array.from({ length: HIGHEST_COUNT }, (_, i) => ({
    ...content,
    parts: [{ ...content.parts[0]!, count: i + 1 }],
  })).filter(({ parts }) => parts[0]!.count !== content.parts[0]!.count)

const NEW_COMBINATIONS = 'known things in combinations that training never shows'

/** The plans of this file, in the order of the report. */
export const compositionPlans: readonly TaskPlan[] = [
  {
    name: 'scene-what',
    metaTask: 'vqa',
    shift: 'in',
    reason: NEW_COMBINATIONS,
    trained: true,
    drafts: (world, use, count, random) =>
      collect(count, () =>
        questionDraft(
          world,
          describe(world, random, { use, kind: pick(WHAT_KINDS, random) }),
          'what',
          random,
        ),
      ),
    fillers: (world) => listOf(world.things.map((concept) => concept.label)),
  },
  {
    name: 'scene-count',
    metaTask: 'vqa',
    shift: 'in',
    reason: `${NEW_COMBINATIONS}; as many queries of each number`,
    trained: true,
    drafts: (world, use, count, random) =>
      collect(count, (index) => {
        const wanted = 1 + (index % HIGHEST_COUNT)
        const description = describe(world, random, {
          use,
          kind: 'count',
          accept: (content) => content.parts[0]!.count === wanted,
        })
        return questionDraft(world, description, 'count', random)
      }),
    fillers: () => listOf([1, 2, 3, 4, 5, 6].map(numberWord)),
  },
  {
    name: 'scene-shape-colour',
    metaTask: 'vqa',
    shift: 'in',
    reason: NEW_COMBINATIONS,
    trained: true,
    drafts: (world, use, count, random) =>
      collect(count, (index) => {
        const wanted = index % COLOURS.length
        const description = describe(world, random, {
          use,
          kind: 'tinted',
          accept: ({ parts }) => parts.some((part) => part.colour === wanted),
        })
        return questionDraft(world, description, 'colour', random)
      }),
    fillers: () => listOf(COLOURS.map((colour) => colour.name)),
  },
  {
    name: 'scene-t2i',
    metaTask: 'retrieval',
    shift: 'in',
    reason: NEW_COMBINATIONS,
    trained: true,
    drafts: (world, use, count, random) => collect(count, () => captionDraft('t2i', world, use, random)),
  },
  {
    name: 'scene-i2t',
    metaTask: 'retrieval',
    shift: 'in',
    reason: NEW_COMBINATIONS,
    trained: true,
    drafts: (world, use, count, random) => collect(count, () => captionDraft('i2t', world, use, random)),
  },
  {
    name: 'composed-background',
    metaTask: 'retrieval',
    shift: 'in',
    reason: NEW_COMBINATIONS,
    trained: true,
    drafts: (world, use, count, random) =>
      collect(count, () => {
        const original = describe(world, random, { use })
        return composedDraft(world, use, random, original, backgroundsOf(original), (target) =>
          onBackground(target.background),
        )
      }),
  },
  {
    name: 'composed-count',
    metaTask: 'retrieval',
    shift: 'out-type',
    reason: 'a kind of change that is never tuned: another number of the same things',
    trained: false,
    drafts: (world, use, count, random) =>
      collect(count, () => {
        const original = describe(world, random, { use, kind: 'count' })
        return composedDraft(
          world,
          use,
          random,
          original,
          countsOf(original),
          (target) => `with ${numberWord(target.parts[0]!.count)} of them`,
        )
      }),
  },
]
