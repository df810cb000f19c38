/** @file Captions and question–answer pairs of a scene, from its content alone. */

import { COLOURS } from './colours.ts'
import { counted, listed, numberWord, plural, withArticle } from './nouns.ts'
import type { Content, Relation } from './scene.ts'
import type { World } from './world.ts'

/** Three levels of one caption. */
export interface Captions {
  /** "a dog to the left of a key" */
  core: string
  /** "a dog to the left of a key on a red background" */
  background: string
  /** Unordered: "a dog and a key". */
  list: string
}

export type QuestionType = 'what' | 'count' | 'colour' | 'background' | 'bigger' | 'group' | 'yes-no'

export interface Question {
  type: QuestionType
  question: string
  answer: string
}

const RELATION_WORDS: { readonly [R in Relation]: { first: string; second: string } } = {
  left: { first: 'to the left of', second: 'to the right of' },
  above: { first: 'above', second: 'below' },
}

function coreCaption(
  { kind, parts, relation }: Content,
  names: readonly string[],
  colours: readonly string[],
): string {
  const things = names.map(withArticle)
  switch (kind) {
    case 'single':
      return things[0]!
    case 'count':
      return counted(parts[0]!.count, names[0]!)
    case 'pair':
      return `${things[0]} ${RELATION_WORDS[relation ?? 'left'].first} ${things[1]}`
    case 'mixed':
      return listed(parts.map((part, i) => counted(part.count, names[i]!)))
    case 'row':
      return `${listed(things)} in a row`
    case 'sizes':
      return `a big ${names[0]} and a small ${names[1]}`
    case 'tinted': {
      const shapes = names.map((name, i) => withArticle(`${colours[i]} ${name} shape`))
      return `${shapes[0]} ${RELATION_WORDS[relation ?? 'left'].first} ${shapes[1]}`
    }
  }
}

const namesOf = (content: Content, world: World) =>
  content.parts.map((part) => world.all[part.concept]!.label)
const coloursOf = (content: Content) =>
  content.parts.map((part) => (part.colour === undefined ? '' : COLOURS[part.colour]!.name))

/** The captions of a scene. */
export function captions(content: Content, world: World): Captions {
  const names = namesOf(content, world)
  const core = coreCaption(content, names, coloursOf(content))
  const shapes = content.kind === 'tinted' ? names.map((name) => `${name} shape`) : names
  const list = listed(
    content.parts.map((part, i) => (part.count === 1 ? withArticle(shapes[i]!) : plural(shapes[i]!))),
  )
  return { core, background: `${core} ${onBackground(content.background)}`, list }
}

export const whatColour = (name: string) => `What colour is the ${name}?`

/** "on a red background". */
export function onBackground(colour: number): string {
  return `on ${withArticle(COLOURS[colour]!.name)} background`
}

/**
 * A true and a false statement about one picture, as questions: a model without eyes gets half of
 * them.
 */
function yesNo(whenTrue: string, whenFalse: string): Question[] {
  return [
    { type: 'yes-no', question: whenTrue, answer: 'yes' },
    { type: 'yes-no', question: whenFalse, answer: 'no' },
  ]
}

/**
 * The first colour after the scene's own that no part wears: a false statement that depends on the
 * picture only.
 */
function otherColour(content: Content): string {
  const worn = new Set([content.background, ...content.parts.map((part) => part.colour)])
  const start = content.parts.reduce((sum, part) => sum + part.concept, content.background)
  for (let i = 0; ; i++) {
    const colour = (start + i) % COLOURS.length
    if (!worn.has(colour)) return COLOURS[colour]!.name
  }
}

function relationQuestions(content: Content, names: readonly string[]): Question[] {
  const { first, second } = RELATION_WORDS[content.relation ?? 'left']
  const [a, b] = [names[0]!, names[1]!]
  return [
    { type: 'what', question: `What is ${first} the ${b}?`, answer: a },
    { type: 'what', question: `What is ${second} the ${a}?`, answer: b },
    // The false ones swap the roles, so each relation and each name occurs as often in true as in
    // false ones.
    ...yesNo(`Is the ${a} ${first} the ${b}?`, `Is the ${b} ${first} the ${a}?`),
    ...yesNo(`Is the ${b} ${second} the ${a}?`, `Is the ${a} ${second} the ${b}?`),
  ]
}

function kindQuestions(content: Content, names: readonly string[], world: World): Question[] {
  const { kind, parts } = content
  const howMany = (i: number): Question => ({
    type: 'count',
    question: `How many ${plural(names[i]!)} are there?`,
    answer: numberWord(parts[i]!.count),
  })
  const [a, b] = [names[0]!, names[1] ?? '']
  switch (kind) {
    case 'single':
      return [
        { type: 'what', question: 'What is in the picture?', answer: a },
        {
          type: 'group',
          question: 'What kind of thing is in the picture?',
          answer: world.all[parts[0]!.concept]!.group,
        },
      ]
    case 'count':
      return [howMany(0), { type: 'what', question: 'What is in the picture?', answer: a }]
    case 'mixed':
      return [howMany(0), howMany(1)]
    case 'pair':
      return relationQuestions(content, names)
    case 'row': {
      return [
        { type: 'what', question: 'What is in the middle?', answer: b },
        { type: 'what', question: 'What is on the left?', answer: a },
        { type: 'what', question: 'What is on the right?', answer: names[2]! },
      ]
    }
    case 'sizes':
      return [
        { type: 'bigger', question: `Which is bigger, the ${a} or the ${b}?`, answer: a },
        { type: 'bigger', question: `Which is bigger, the ${b} or the ${a}?`, answer: a },
        ...yesNo(`Is the ${a} bigger than the ${b}?`, `Is the ${b} bigger than the ${a}?`),
      ]
    case 'tinted': {
      const colours = coloursOf(content)
      return [
        ...names.map(
          (name, i): Question => ({ type: 'colour', question: whatColour(name), answer: colours[i]! }),
        ),
        ...yesNo(`Is the ${a} ${colours[0]}?`, `Is the ${a} ${colours[1]}?`),
        ...yesNo(`Is the ${b} ${colours[1]}?`, `Is the ${b} ${colours[0]}?`),
        ...relationQuestions(content, names),
      ]
    }
  }
}

/**
 * All questions that the scene answers; yes and no come as pairs. Answers are bare: a label, a
 * number word, a colour, yes or no.
 */
export function questions(content: Content, world: World): Question[] {
  const background = COLOURS[content.background]!.name
  return [
    ...kindQuestions(content, namesOf(content, world), world),
    { type: 'background', question: 'What colour is the background?', answer: background },
    ...yesNo(`Is the background ${background}?`, `Is the background ${otherColour(content)}?`),
  ]
}
