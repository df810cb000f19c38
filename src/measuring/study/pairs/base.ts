/**
 * @file Whether models share a base, as far as their files can tell: the decoder's sizes, the ids
 * that the tokenizer gives, and how far the weights are the same.
 */

import type { KeyedItem } from '../../../inputs/data/item.ts'
import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import type { Subject } from '../../../models/embedder/subject.ts'
import type { VisionLanguageShape } from '../../../models/families/family.ts'
import { type Likeness, likenessOf } from '../../../models/families/likeness.ts'
import { itemsOf } from '../../benchmark/task.ts'
import { labelOf, type Mask, type VisionLanguageSubject } from '../../benchmark/words.ts'
import { StudyError } from '../errors.ts'
import type { StudiedModel } from '../masks.ts'
import type { PlannedModel } from '../planned.ts'
import type { StudyWorld } from '../world.ts'

/** One model beside the first one. */
interface BesideFirst {
  readonly id: string
  /** Differences that do not end the comparison, in words. */
  readonly differs: readonly string[]
  readonly likeness: Likeness
}

export interface SharedBase {
  /** The id of the model that the others are compared with. */
  readonly first: string
  /** The masks of each model: ids of its participants, its own mask first. */
  readonly models: readonly { readonly id: string; readonly masked: readonly string[] }[]
  /** The other models, in their order. */
  readonly others: readonly BesideFirst[]
  /** Masks that were asked for and could not be run. */
  readonly left: readonly { readonly id: string; readonly mask: Mask; readonly reason: string }[]
}

/** Sizes without which tensors have no counterparts. */
const SIZES = {
  hidden: 'width',
  layers: 'layers',
  heads: 'heads',
  keyValueHeads: 'key and value heads',
} as const satisfies Partial<Record<keyof VisionLanguageShape, string>>

/** The models of a study of pairs. */
export interface Pairs {
  readonly first: Named
  readonly others: readonly Named[]
}

/**
 * The first model, and those that are compared with it.
 * @throws StudyError `study/no-pair` for a model alone, a dual encoder, a decoder of other sizes
 */
export function pairsIn(planned: readonly PlannedModel[]): Pairs {
  const models = planned.map(({ id, subject }) => ({ id, subject: visionLanguage(id, subject) }))
  const [first, ...others] = models
  if (first === undefined || others.length === 0) {
    throw noPair(
      'a study of pairs needs two models or more',
      'Name another model that shares the base of the first.',
    )
  }
  for (const other of others) checkSizes(first, other)
  return { first, others }
}

/**
 * Compares the files beside the weights.
 * @returns for each of the other models, what differs and does not end the comparison
 * @throws StudyError `study/no-pair` for a tokenizer that gives other ids to the study's texts
 */
export async function differencesOfFiles({ first, others }: Pairs, world: StudyWorld): Promise<string[][]> {
  const texts = textsOf(world)
  const own = await processorOf(first.subject)
  const ids = texts.map((text) => own.tokenizer.encode(text))
  return await Promise.all(
    others.map(async ({ id, subject }) => {
      const { tokenizer, prompt } = await processorOf(subject)
      checkTokenizer(tokenizer, { texts, ids, names: [labelOf(first.id), labelOf(id)] })
      const pair = [first.subject.model, subject.model] as const
      return [
        ...differing('family', pair[0].family, pair[1].family),
        ...differing('rows of the embedding table', pair[0].shape.vocabulary, pair[1].shape.vocabulary),
        ...differing('tokens of the tokenizer', own.tokenizer.size, tokenizer.size),
        ...(prompt(EXAMPLE).prompt === own.prompt(EXAMPLE).prompt ? [] : ['the chat template']),
      ]
    }),
  )
}

const EXAMPLE = { instruction: 'Find the picture:', text: 'a red apple', images: 1 }

/** Compares the weights of each model with the first one's. @throws as `likenessOf` */
export async function sharedBaseOf(
  studied: readonly StudiedModel[],
  differs: readonly (readonly string[])[],
  signal?: AbortSignal,
): Promise<SharedBase> {
  const subjects = studied.map(({ id, masked: [{ subject }] }) => ({ id, subject }))
  const [first, ...others] = subjects
  const beside: BesideFirst[] = []
  for (const [i, { id, subject }] of others.entries()) {
    const likeness = await likenessOf(stored(first!.subject), stored(subject), signal)
    beside.push({ id, differs: differs[i] ?? [], likeness })
  }
  return {
    first: first!.id,
    models: studied.map(({ id, masked }) => ({ id, masked: masked.map((one) => one.id) })),
    others: beside,
    left: studied.flatMap(({ id, left }) => left.map((one) => ({ id, ...one }))),
  }
}

function stored({ model, encoder: { checkpoint } }: VisionLanguageSubject) {
  return { model, checkpoint }
}

async function processorOf({ model, encoder }: VisionLanguageSubject) {
  return await model.processor(encoder.checkpoint.dir)
}

function visionLanguage(id: string, subject: Subject): VisionLanguageSubject {
  const { model } = subject
  if (model.kind === 'vision-language') return { ...subject, model }
  throw noPair(
    `${labelOf(id)} is a dual encoder, which has no decoder to share`,
    'Leave it out; the plans quick and full score it as a baseline.',
  )
}

interface Named {
  readonly id: string
  readonly subject: VisionLanguageSubject
}

function checkSizes(first: Named, other: Named): void {
  const [a, b] = [first.subject.model.shape, other.subject.model.shape]
  const keys: readonly (keyof typeof SIZES)[] = ['hidden', 'layers', 'heads', 'keyValueHeads']
  const apart = keys.flatMap((key) => differing(SIZES[key], a[key], b[key]))
  if (apart.length === 0) return
  throw noPair(
    `${labelOf(other.id)} does not share the base of ${labelOf(first.id)}: ${apart.join('; ')}`,
    'Name models whose decoders have the same sizes, such as those that were trained from one checkpoint.',
  )
}

function checkTokenizer(
  tokenizer: Tokenizer,
  {
    texts,
    ids,
    names: [first, other],
  }: { texts: readonly string[]; ids: readonly number[][]; names: [string, string] },
): void {
  const apart = texts.filter((text, i) => tokenizer.encode(text).join() !== ids[i]!.join())
  if (apart.length === 0) return
  throw noPair(
    `${other} does not share the base of ${first}: its tokenizer gives other ids to ${apart.length} of ` +
      `${texts.length} texts, ${JSON.stringify(apart[0])} first`,
    'Is the tokenizer of each folder from the repository of its weights?',
  )
}

/** Every text that the study embeds, once. */
function textsOf({ tasks, pairs }: StudyWorld): string[] {
  const items: KeyedItem[] = [...itemsOf(tasks, 'test'), ...pairs.map(({ text }) => text)]
  return [...new Set(items.flatMap(({ instruction, text }) => [instruction, text]))].flatMap(
    (text) => text ?? [],
  )
}

function differing(what: string, a: string | number, b: string | number): string[] {
  return a === b ? [] : [`${what}: ${a} and ${b}`]
}

function noPair(message: string, hint: string): StudyError {
  return new StudyError('no-pair', { message, hint })
}
