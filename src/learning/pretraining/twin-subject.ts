/** @file A twin as a subject of pretraining, on a picture model that is trained already. */

import { readModel, writeTwin } from './folder.ts'
import { twinGates } from './gates.ts'
import { DECODER, HEADS, HIDDEN, TWIN_MATCHING, TWIN_RATES, TWIN_TRAINING } from './recipe.ts'
import { sampleAnswers } from './sample-answers.ts'
import type { PretrainingSubject } from './subject.ts'
import { type TwinSources, trainTwin } from './twin.ts'
import { dietOf } from './twin-diet.ts'
import { isTower } from './twin-loss.ts'
import { seesCodes, type Twin, updatesOf } from './twins/twin.ts'

/** A twin that goes on from another has a fifth of its updates. */
const GOING_ON = 5

export function twinSubject(twin: Twin, sources: TwinSources): PretrainingSubject {
  const { name, card, goesOn } = twin
  return {
    name,
    training: { ...TWIN_TRAINING, steps: goesOn === undefined ? updatesOf(twin) : goesOn.steps / GOING_ON },
    train: (at, training, run) => trainTwin(twin, at, sources, training, run),
    write: (dir, trained, vocabulary) => writeTwin(dir, twin, trained, sources.pictures, vocabulary),
    read: async (dir) => (await readModel(dir)).parameters,
    gates: (at, parameters, options) => twinGates(twin, at, parameters, options),
    answers: (at, parameters, options) => sampleAnswers(twin, at, parameters, options),
    card: {
      ...card,
      name,
      task: 'image-text-to-text',
      rates: TWIN_RATES,
      recipe: (numbers) => recipeLines(twin, numbers),
      unequal: [...unequalOf(twin), ...(card.unequal ?? [])],
    },
  }
}

function recipeLines(twin: Twin, numbers: (accepts: (parameter: string) => boolean) => string): string[] {
  const decoder = numbers((parameter) => !isTower(parameter))
  const { reading, textEvery, phases } = dietOf(updatesOf(twin))
  const percents = phases.map(({ from, shares }) => {
    const each = Object.entries(shares).map(([kind, share]) => `${Math.round(100 * share)} % ${kind}`)
    return `from update ${from} on ${each.join(', ')}`
  })
  return [
    seesCodes(twin)
      ? `${numbers(() => true)} parameters: frozen image encoder ${numbers(isTower)}, decoder ${decoder} ` +
        `(${DECODER.layers} layers, width ${HIDDEN}, ${HEADS} heads, a head of its own). Codes of ` +
        `\`${twin.pictures}\`, whose card says what they hold.`
      : `${numbers(() => true)} parameters: frozen tower ${numbers(isTower)}, projector and decoder ` +
        `${decoder} (${DECODER.layers} layers, width ${HIDDEN}, ${HEADS} heads, head tied to the embeddings).`,
    ...(twin.goesOn === undefined
      ? []
      : [
          `Goes on from \`${twin.goesOn.from}\` after its ${twin.goesOn.steps} updates, with the samples ` +
            'behind them.',
        ]),
    `The first ${reading} updates see text alone: captions with questions and answers, learnt whole, and ` +
      `questions about words. Later every ${textEvery}th batch does; of the others ${percents.join('; ')}. ` +
      'A batch holds one kind. Two of five prompts are worded as the embedding tasks word their ' +
      'instructions.',
    `${TWIN_MATCHING.heads} of each layer's ${HEADS} heads start with keys equal to their queries, the rest at random.`,
  ]
}

/** Differences between the twins, meant or not. */
function unequalOf(twin: Twin): string[] {
  const codes = seesCodes(twin)
  const steps = twin.updates === undefined ? 'batch, steps' : 'batch'
  return [
    codes
      ? 'Equal to all twins: pictures, prompts, answers and their order; decoder shape and start; RoPE base, ' +
        `norms and their epsilon; tokenizer, ${steps}, learning rates.`
      : 'Equal: pictures, prompts, answers and their order; the frozen tower (before its last norm) and its ' +
        'image tokens; projector and decoder shapes; RoPE base, norms and their epsilon; tokenizer, chat ' +
        `template, ${steps}, learning rates.`,
    ...SHARED,
    ...(codes ? [] : FEATURES),
  ]
}

const SHARED = [
  'Meant to differ: causal mask and next-token loss against full attention and masked-diffusion loss.',
  'Twins with masks learn the end tokens that fill an answer up to the longest of its batch (LaViDa and ' +
    'MMaDA do); those that predict the next token learn the first end token only.',
]
const FEATURES = [
  'The diffusion twin runs each batch twice with complementary masks, so one step costs it twice the ' +
    'forward and backward work. Each answer token is scored once per step in both.',
  'The layouts name projector and decoder matrices differently; both twins start from the same ' +
    'values all the same.',
  'LLaVA files carry the tower’s last norm (unread); LaViDa files do not. LaViDa’s config counts one ' +
    'tower layer more than the file has, since the family always leaves the last one out.',
  'No newline token, one view a picture, no pooling in either, unlike published LaViDa models; no ' +
    'system prompt, unlike both.',
]
