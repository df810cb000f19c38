/**
 * @file Worlds: which concepts exist for a model. `small` is what the shipped twins know, `full`
 * has every concept; same splits and rules.
 */

import { fnv1a32 } from '../../foundation/numeric/random.ts'
import { type Concept, loadConcepts, TRAINING_STYLES } from './concepts.ts'

export type WorldName = 'small' | 'full'

export interface World {
  readonly name: WorldName
  /** All concepts of the package by index, those outside of this world too. */
  readonly all: readonly Concept[]
  /** Concepts that training shows (each but in its withheld style). */
  readonly training: readonly Concept[]
  /** Concepts that no training picture or text shows or names. */
  readonly heldOut: readonly Concept[]
  /** Those of `training` that can stand in a scene: countable things. In the small world, all. */
  readonly things: readonly Concept[]
  /** `things` that training may show in style 0 … 3. */
  readonly thingsByStyle: readonly (readonly Concept[])[]
  /** Group names of `training`, in the order of their first concept. */
  readonly groups: readonly string[]
}

const SMALL_TRAINING = 204
const SMALL_HELD_OUT = 52
/**
 * Held out at most from one group, so that the tasks on held-out concepts can be balanced by group.
 */
const SMALL_HELD_OUT_PER_GROUP = 13
/** The small world has labels of one or two words, the full world's scenes up to three. */
const THING_WORDS = { small: 2, full: 3 } as const satisfies Record<WorldName, number>

const THING_GROUPS = new Set([
  'animals and nature',
  'food and drink',
  'travel and places',
  'activities',
  'objects',
])
const ODD_SUBGROUPS = new Set(['time', 'sky weather'])

/**
 * Read once by a person: masses, plurals, scenes, sports, parts and states, which make no good "a
 * …" or "three …".
 */
const ODD_LABELS = new Set(
  `guide dog, service dog, pig nose, paw prints, hatching chick, baby chick, front-facing baby chick, wing,
  coral, microbe, rosette, blossom, cherry blossom, white flower, herb, sheaf of rice, four leaf clover,
  wilted flower, leaf fluttering in wind, two-hump camel, black cat, black bird, spouting whale,
  leafy green, seedling, T-Rex, grapes, blueberries, cherries, peanuts, beans, french fries, pancakes,
  bread, bacon, popcorn, butter, salt, canned food, cooking, garlic, ginger root, chopsticks, spaghetti,
  oden, sushi, fried shrimp, shaved ice, ice cream, custard, sake, hot beverage, clinking glasses,
  clinking beer mugs, pouring liquid, bubble tea, mate, ice, maracas, broccoli, poultry leg,
  baguette bread, stuffed flatbread, fondue, green salad, shallow pan of food, cooked rice, curry rice,
  steaming bowl, tropical drink, beverage box, takeout box, meat on bone, cut of meat, ear of corn,
  glass of milk, fish cake with swirl, fork and knife, fork and knife with plate, bowl with spoon,
  pot of food, bottle with popping cork, snow-capped mountain, mount fuji, camping, desert, national park,
  beach with umbrella, building construction, brick, wood, houses, house with garden, convenience store,
  wedding, love hotel, Tokyo tower, Japanese castle, Japanese post office, Statue of Liberty,
  classical building, map of Japan, foggy, night with stars, cityscape, cityscape at dusk,
  bridge at night, sunrise, sunrise over mountains, sunset, hot springs, station, light rail,
  oncoming bus, oncoming taxi, oncoming automobile, oncoming police car, sport utility vehicle, motorway,
  construction, horizontal traffic light, vertical traffic light, seat, airplane departure,
  airplane arrival, railway track, bus stop, railway car, tram car, metro, kaaba, fireworks, sparkles,
  sparkler, tanabata tree, pine decoration, Japanese dolls, carp streamer, red envelope,
  moon viewing ceremony, reminder ribbon, admission tickets, tennis, bowling, cricket game, field hockey,
  ice hockey, lacrosse, ping pong, badminton, skis, american football, rugby football, video game,
  performing arts, thread, yarn, nesting dolls, spade suit, heart suit, diamond suit, club suit, joker,
  mirror ball, piñata, water pistol, martial arts uniform, flag in hole, flower playing cards,
  mahjong red dragon, 1st place medal, 2nd place medal, 3rd place medal, glasses, sunglasses, goggles,
  jeans, gloves, socks, shorts, briefs, bikini, woman’s clothes, man’s shoe, woman’s sandal, woman’s boot,
  woman’s hat, shopping bags, ballet shoes, prayer beads, one-piece swimsuit, folding hand fan,
  rescue worker’s helmet, lab coat, safety vest, thong sandal, hair pick, muted speaker,
  speaker low volume, speaker medium volume, speaker high volume, bell with slash, musical score,
  musical note, musical notes, level slider, control knobs, telephone receiver, mobile phone with arrow,
  low battery, optical disk, dvd, film frames, books, green book, blue book, orange book,
  notebook with decorative cover, page with curl, page facing up, bookmark tabs, bookmark, label,
  red paper lantern, camera with flash, magnifying glass tilted right, magnifying glass tilted left,
  money with wings, chart increasing with yen, dollar banknote, euro banknote, pound banknote, e-mail,
  incoming envelope, envelope with arrow, outbox tray, inbox tray, closed mailbox with raised flag,
  closed mailbox with lowered flag, open mailbox with raised flag, open mailbox with lowered flag,
  ballot box with ballot, memo, black nib, open file folder, card index dividers, chart increasing,
  chart decreasing, bar chart, tear-off calendar, spiral calendar, linked paperclips, scissors, locked,
  unlocked, locked with pen, locked with key, hammer and pick, hammer and wrench, chains, broken chain,
  link, bow and arrow, dna, x-ray, drop of blood, soap, bubbles, roll of paper, shower, elevator,
  couch and lamp, mouse trap, cigarette, coffin, headstone, funeral urn, hamsa, moai, placard,
  identification card, nazar amulet, crossed swords, bomb, dagger`
    .split(',')
    .map((label) => label.trim()),
)

/** Whether the concept can stand in a scene: a countable thing with a short label. */
function isThing(concept: Concept, words: number): boolean {
  return (
    THING_GROUPS.has(concept.group) &&
    !ODD_SUBGROUPS.has(concept.subgroup) &&
    !ODD_LABELS.has(concept.label) &&
    !concept.label.endsWith(' face') &&
    concept.label.split(' ').length <= words
  )
}

/** Whether `phrase` stands in `text` as whole words. */
export function holdsPhrase(text: string, phrase: string): boolean {
  return ` ${text.toLowerCase()} `.replace(/[.,?!;:]/g, ' ').includes(` ${phrase.toLowerCase()} `)
}

/**
 * The first `count` by hash, one per cluster, so that the choice depends on no order of the file.
 */
function chooseByHash(concepts: readonly Concept[], count: number, perGroup = count): Concept[] {
  const ranked = concepts
    .map((concept) => ({ concept, rank: fnv1a32(`small ${concept.hex}`) }))
    .sort((a, b) => a.rank - b.rank)
  const clusters = new Set<number>()
  const taken = new Map<string, number>()
  const chosen: Concept[] = []
  for (const { concept } of ranked) {
    if (chosen.length === count) break
    const ofGroup = taken.get(concept.group) ?? 0
    if (clusters.has(concept.cluster) || ofGroup === perGroup) continue
    taken.set(concept.group, ofGroup + 1)
    clusters.add(concept.cluster)
    chosen.push(concept)
  }
  return chosen.sort((a, b) => a.index - b.index)
}

function chooseConcepts(
  all: readonly Concept[],
  name: WorldName,
): { training: Concept[]; heldOut: Concept[]; things: Concept[] } {
  const train = all.filter((concept) => concept.split === 'train')
  const heldOut = all.filter((concept) => concept.split === 'held-out')
  const ofThings = (concepts: readonly Concept[]) =>
    concepts.filter((concept) => isThing(concept, THING_WORDS[name]))
  if (name === 'full') return { training: train, heldOut, things: ofThings(train) }
  const heldOutSmall = chooseByHash(ofThings(heldOut), SMALL_HELD_OUT, SMALL_HELD_OUT_PER_GROUP)
  // A training label that contains a held-out one ("carousel horse", "horse") would name it.
  const clean = ofThings(train).filter(
    (concept) => !heldOutSmall.some((other) => holdsPhrase(concept.label, other.label)),
  )
  const training = chooseByHash(clean, SMALL_TRAINING)
  return { training, heldOut: heldOutSmall, things: training }
}

/** Pure part of `loadWorld`: the world of these concepts. */
export function makeWorld(all: readonly Concept[], name: WorldName): World {
  const { training, heldOut, things } = chooseConcepts(all, name)
  const unnamed = heldOut.map((concept) => concept.label)
  // Tags are training text, so none of them may name a held-out concept.
  const known = all.map((concept) => ({
    ...concept,
    tags: concept.tags.filter((tag) => !unnamed.some((label) => holdsPhrase(tag, label))),
  }))
  const from = (concepts: readonly Concept[]) => concepts.map((concept) => known[concept.index]!)
  const ownThings = from(things)
  return {
    name,
    all: known,
    training: from(training),
    heldOut: from(heldOut),
    things: ownThings,
    thingsByStyle: Array.from({ length: TRAINING_STYLES }, (_, style) =>
      ownThings.filter((concept) => concept.withheld !== style),
    ),
    groups: [...new Set(training.map((concept) => concept.group))],
  }
}

/** Reads `concepts.json` of `dataDir` and chooses the world's concepts. */
export async function loadWorld(dataDir: string, name: WorldName): Promise<World> {
  return makeWorld(await loadConcepts(dataDir), name)
}
