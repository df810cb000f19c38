/**
 * @file Tasks on one thing alone: naming, grouping, and finding it in another drawing or by its
 * name.
 */

import { below, fnv1a32, pick, type Random, shuffle, stream } from '../../../foundation/numeric/random.ts'
import { COLOURS } from '../colours.ts'
import { BLOB, type Concept, hasStyle, TRAINING_STYLES } from '../concepts.ts'
import { INSTRUCTIONS } from '../instructions.ts'
import { withArticle } from '../nouns.ts'
import { contentKey, type Description, isReserved, place, type SceneUse, single } from '../scene.ts'
import type { World } from '../world.ts'
import { type Candidate, type Draft, type Fillers, TASK_SEED, type TaskPlan } from './assemble.ts'
import { imageCandidate, imageQuery, questionQuery, textCandidate, textQuery } from './task.ts'

const ALL_SHOWN: readonly number[] = Array.from({ length: TRAINING_STYLES }, (_, style) => style)

const meaningOf = (concept: Concept) => `cluster ${concept.cluster}`

/**
 * A drawing that training shows, on a random background, on the wanted side of the reserved split.
 * Null where that side has none: one concept in fifty has no reserved combination.
 */
function shownPicture(
  concept: Concept,
  styles: readonly number[],
  use: SceneUse,
  random: Random,
): Description | null {
  const contents = styles
    .filter((style) => style !== concept.withheld)
    .flatMap((style) => COLOURS.map((_, colour) => single(concept.index, style, colour)))
  const allowed = contents.filter((content) => isReserved(content) === (use === 'test'))
  return allowed.length === 0 ? null : place(pick(allowed, random), random)
}

/** Any drawing on any background: for pictures that training cannot show. */
function unseenPicture(concept: Concept, style: number, random: Random): Description {
  return place(single(concept.index, style, below(COLOURS.length, random)), random)
}

/** Which concept the draft of this number is about. */
type Turns = (index: number) => Concept

/**
 * The concepts again and again, each time in another order, so that counts differ by one at most.
 */
function inTurns(concepts: readonly Concept[], random: Random): Turns {
  let round: Concept[] = []
  return () => {
    if (round.length === 0) round = shuffle([...concepts], random)
    return round.pop()!
  }
}

/**
 * Turns through the groups by number, then through each group's concepts: as many queries of each
 * group.
 */
function groupsInTurns(concepts: readonly Concept[], random: Random): Turns {
  const groups = [...new Set(concepts.map((concept) => concept.group))]
  const turns = groups.map((group) =>
    inTurns(
      concepts.filter((concept) => concept.group === group),
      random,
    ),
  )
  return (index) => turns[index % turns.length]!(index)
}

/**
 * `count` drafts of different contents, or fewer when nothing new comes; a repeated one is drawn
 * anew on the same turn.
 */
function collect(count: number, turns: Turns, make: (concept: Concept) => Draft | null): Draft[] {
  const drafts = new Map<string, Draft>()
  for (let tries = 0; drafts.size < count && tries < count * 20; tries++) {
    const draft = make(turns(drafts.size))
    if (draft !== null && !drafts.has(draft.content)) drafts.set(draft.content, draft)
  }
  return [...drafts.values()]
}

const labelOf = (concept: Concept): Candidate => ({
  item: textCandidate(concept.label),
  meaning: meaningOf(concept),
})
const groupOf = (concept: Concept): Candidate => ({
  item: textCandidate(concept.group),
  meaning: concept.group,
})

/** One label a cluster; the clusters' other members would be right answers too. */
function labels(concepts: readonly Concept[]): Fillers {
  const all = concepts.map(labelOf)
  return () => all
}

function groups(concepts: readonly Concept[]): Fillers {
  const all = [...new Map(concepts.map((concept) => [concept.group, groupOf(concept)])).values()]
  return () => all
}

function classify(instruction: string, answer: (concept: Concept) => Candidate) {
  return (concept: Concept, image: Description): Draft => ({
    query: imageQuery(instruction, image),
    content: contentKey(image),
    positive: answer(concept),
    cluster: meaningOf(concept),
  })
}

/** A draft of a shown drawing, or null where this side of the split has none. */
function ofShown(make: (concept: Concept, image: Description) => Draft, use: SceneUse, random: Random) {
  return (concept: Concept): Draft | null => {
    const image = shownPicture(concept, ALL_SHOWN, use, random)
    return image && make(concept, image)
  }
}

const byLabel = classify(INSTRUCTIONS.label, labelOf)
const byGroup = classify(INSTRUCTIONS.group, groupOf)

/**
 * Held-out pictures: each concept starts at a style by hash and goes on, so that all styles are
 * used.
 */
function heldOutDrafts(
  world: World,
  count: number,
  random: Random,
  turns: Turns,
  make: (concept: Concept, image: Description) => Draft,
): Draft[] {
  const seen = new Map<number, number>()
  return collect(Math.min(count, world.heldOut.length * TRAINING_STYLES), turns, (concept) => {
    const turn = seen.get(concept.index) ?? 0
    seen.set(concept.index, turn + 1)
    return make(concept, unseenPicture(concept, (fnv1a32(concept.hex) + turn) % TRAINING_STYLES, random))
  })
}

/**
 * The one candidate picture of a concept in a style: fixed, so that it is embedded once for all
 * rows.
 */
function candidatePicture(
  world: World,
  task: string,
  concept: Concept,
  style: number,
  use: SceneUse,
): Candidate {
  const random = stream(TASK_SEED, world.name, task, use, 'candidate', concept.hex, style)
  const free = COLOURS.map((_, i) => single(concept.index, style, i)).filter(
    (content) => concept.split === 'held-out' || !isReserved(content),
  )
  return { item: imageCandidate(place(pick(free, random), random)), meaning: meaningOf(concept) }
}

/** Candidate pictures by style, for concepts that show this style. */
function pictureShelves(world: World, task: string, concepts: readonly Concept[], use: SceneUse): Fillers {
  const shelves = Array.from({ length: TRAINING_STYLES }, (_, style) =>
    concepts
      .filter((concept) => concept.split === 'held-out' || concept.withheld !== style)
      .map((concept) => candidatePicture(world, task, concept, style, use)),
  )
  return (shelf) => shelves[Number(shelf)] ?? []
}

function crossStyleDraft(world: World, concept: Concept, use: SceneUse, random: Random): Draft | null {
  const shown = ALL_SHOWN.filter((style) => style !== concept.withheld)
  const from = use === 'test' ? concept.withheld : pick(shown, random)
  const to =
    use === 'test'
      ? (from + 1) % TRAINING_STYLES
      : pick(
          shown.filter((style) => style !== from),
          random,
        )
  const query =
    use === 'test' ? unseenPicture(concept, from, random) : shownPicture(concept, [from], use, random)
  if (query === null) return null
  return {
    query: imageQuery(INSTRUCTIONS.otherDrawing, query),
    content: contentKey(query),
    positive: candidatePicture(world, 'cross-style', concept, to, use),
    cluster: meaningOf(concept),
    shelf: String(to),
  }
}

const SHOWN = 'shown drawings in new combinations of drawing, background, place and size'
const HELD_OUT = 'things that no training picture shows and no training text names'

/** The plans of this file, in the order of the report. */
export const objectPlans: readonly TaskPlan[] = [
  {
    name: 'object-label',
    metaTask: 'classification',
    shift: 'in',
    reason: SHOWN,
    trained: true,
    drafts: (world, use, count, random) =>
      collect(count, inTurns(world.training, random), ofShown(byLabel, use, random)),
    fillers: (world) => labels(world.training),
  },
  {
    name: 'object-group',
    metaTask: 'classification',
    shift: 'in',
    reason: `${SHOWN}; as many queries of each group`,
    trained: true,
    drafts: (world, use, count, random) =>
      collect(count, groupsInTurns(world.training, random), ofShown(byGroup, use, random)),
    fillers: (world) => groups(world.training),
  },
  {
    name: 'withheld-label',
    metaTask: 'classification',
    shift: 'out-drawing',
    reason: 'the one drawing of a known thing that training never shows',
    trained: false,
    drafts: (world, _use, count, random) =>
      collect(Math.min(count, world.training.length), inTurns(world.training, random), (concept) =>
        byLabel(concept, unseenPicture(concept, concept.withheld, random)),
      ),
    fillers: (world) => labels(world.training),
  },
  {
    name: 'style-f-group',
    metaTask: 'classification',
    shift: 'out-style',
    reason: 'known things in a drawing style (blob) that training never shows; as many queries of each group',
    trained: false,
    drafts: (world, _use, count, random) =>
      collect(
        count,
        groupsInTurns(
          world.training.filter((concept) => hasStyle(concept, BLOB)),
          random,
        ),
        (concept) => byGroup(concept, unseenPicture(concept, BLOB, random)),
      ),
    fillers: (world) => groups(world.training),
  },
  {
    name: 'held-out-group',
    metaTask: 'classification',
    shift: 'out-concept',
    reason: `${HELD_OUT}; as many queries of each group`,
    trained: false,
    drafts: (world, _use, count, random) =>
      heldOutDrafts(world, count, random, groupsInTurns(world.heldOut, random), byGroup),
    fillers: (world) => groups(world.training),
  },
  {
    name: 'held-out-what',
    metaTask: 'vqa',
    shift: 'out-concept',
    reason: HELD_OUT,
    trained: false,
    drafts: (world, _use, count, random) =>
      heldOutDrafts(world, count, random, inTurns(world.heldOut, random), (concept, image) => ({
        query: questionQuery('What is in the picture?', image),
        content: contentKey(image),
        positive: labelOf(concept),
        cluster: meaningOf(concept),
      })),
    fillers: (world) => labels(world.heldOut),
  },
  {
    name: 'cross-style',
    metaTask: 'retrieval',
    shift: 'out-drawing',
    reason: 'the query is the drawing that training never shows; targets are shown drawings',
    trained: true,
    drafts: (world, use, count, random) =>
      collect(
        use === 'test' ? Math.min(count, world.training.length) : count,
        inTurns(world.training, random),
        (concept) => crossStyleDraft(world, concept, use, random),
      ),
    fillers: (world, use) => pictureShelves(world, 'cross-style', world.training, use),
  },
  {
    name: 'held-out-t2i',
    metaTask: 'retrieval',
    shift: 'out-concept',
    reason: HELD_OUT,
    trained: false,
    drafts: (world, use, count, random) =>
      heldOutDrafts(world, count, random, inTurns(world.heldOut, random), (concept, image) => ({
        query: textQuery(`${INSTRUCTIONS.captionToPicture} ${withArticle(concept.label)}`),
        content: contentKey(image),
        positive: candidatePicture(world, 'held-out-t2i', concept, image.style, use),
        cluster: meaningOf(concept),
        shelf: String(image.style),
      })),
    fillers: (world, use) => pictureShelves(world, 'held-out-t2i', world.heldOut, use),
  },
]
