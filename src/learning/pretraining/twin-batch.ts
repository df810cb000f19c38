/**
 * @file Batches of the twins: the same pictures, prompts and answers in the same order; only what
 * is masked and scored differs.
 */

import { stream } from '../../foundation/numeric/random.ts'
import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { INSTRUCTIONS } from '../../inputs/scenes/instructions.ts'
import {
  CAPTION_PROMPTS,
  pretrainingSample,
  type Sample,
  type SampleKind,
} from '../../inputs/scenes/samples.ts'
import type { Description, SceneUse } from '../../inputs/scenes/scene.ts'
import { drawNoise, IGNORED, lossFeeds, type NoisedBatch, noise, type TargetRow } from './masked-diffusion.ts'
import { drawBatch } from './pictures.ts'
import { IMAGE_TOKENS, PICTURE_SIZE, type TwinTraining } from './recipe.ts'
import type { TowerWorld } from './tower-batch.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

export type Objective = 'next-token' | 'masked-diffusion'

/**
 * Updates before the first picture, on plain texts learnt whole: what published twins bring along
 * from their language models. Of answers alone (two to four tokens a row), a decoder took 1,000
 * updates to copy words out of a caption.
 */
export const READING_STEPS = 250
/** Among the updates before the first picture, one of so many asks what words mean. */
const WORDS_EVERY = 5
/** Of the later batches one of so many is text only, in turn a plain text and questions. */
const TEXT_EVERY = 8

/** The samples and pictures of one batch. */
export interface TwinSamples {
  samples: readonly Sample[]
  /** One for each sample; other than the samples' own where pictures are shuffled. */
  pictures: readonly (Description | null)[]
}

/** The samples of a step. A batch holds one kind, so that its rows are of like length. */
export function trainingSamples(
  { world }: TowerWorld,
  { batch, seed }: TwinTraining,
  step: number,
): TwinSamples {
  const { samples, pictures } = samplesOf(world, {
    kind: kindOf(seed, step),
    seed,
    from: step * batch,
    count: batch,
    use: 'train',
  })
  const random = stream(seed, 'wording', step)
  return { samples: samples.map((sample) => (random() < REWORDED ? reworded(sample) : sample)), pictures }
}

const PICTURE_KINDS = [
  'qa',
  'caption',
  'count',
  'colour',
  'shapes',
  'label',
  'silhouette',
  'tags',
  'group',
] as const

/** Shares of the kinds among the batches with pictures, from an update on. */
export interface Phase {
  readonly from: number
  readonly shares: { readonly [K in (typeof PICTURE_KINDS)[number]]: number }
}

/**
 * Against specs/twins.md §3.2 counts, colours and silhouettes have batches of their own: among all
 * questions they are so rare that names were learnt ten times sooner; and who can't name
 * silhouettes (.17 of them, when .79 of drawings were named) can't tell which of two has which
 * colour.
 */
const NAMING: Phase = {
  from: READING_STEPS,
  shares: {
    qa: 0.12,
    caption: 0.14,
    count: 0.1,
    colour: 0.12,
    shapes: 0.2,
    label: 0.12,
    silhouette: 0.14,
    tags: 0.02,
    group: 0.04,
  },
}
/**
 * .30 of counts were right by then, .72 of shapes' colours (autoregressive twin); 200 batches of
 * counts alone brought .72 of them.
 */
const COUNTING: Phase = {
  from: 2_000,
  shares: {
    qa: 0.12,
    caption: 0.14,
    count: 0.24,
    colour: 0.08,
    shapes: 0.12,
    label: 0.1,
    silhouette: 0.12,
    tags: 0.02,
    group: 0.06,
  },
}
/**
 * Counts were learnt by then, shapes' colours by the autoregressive twin only. Where an answer
 * names two shapes and one colour is masked, the other gives it away: to the diffusion twin,
 * questions with one colour for an answer are worth more.
 */
const MATCHING: Phase = {
  from: 3_000,
  shares: {
    qa: 0.1,
    caption: 0.12,
    count: 0.12,
    colour: 0.36,
    shapes: 0.02,
    label: 0.1,
    silhouette: 0.14,
    tags: 0.01,
    group: 0.03,
  },
}
export const PHASES: readonly Phase[] = [NAMING, COUNTING, MATCHING]

/** Numbers that decide which samples a step sees. */
export const TWIN_DIET = {
  reading: READING_STEPS,
  wordsEvery: WORDS_EVERY,
  textEvery: TEXT_EVERY,
  phases: PHASES,
} as const

/** The kind of a step's samples. */
function kindOf(seed: number, step: number): SampleKind {
  if (step < READING_STEPS) return step % WORDS_EVERY === WORDS_EVERY - 1 ? 'text' : 'reading'
  if (step % TEXT_EVERY === TEXT_EVERY - 1) return step % (2 * TEXT_EVERY) < TEXT_EVERY ? 'reading' : 'text'
  const { shares } = PHASES.findLast(({ from }) => step >= from)!
  let rest = stream(seed, 'kind', step)()
  for (const kind of PICTURE_KINDS) {
    rest -= shares[kind]
    if (rest < 0) return kind
  }
  return 'group'
}

/**
 * Share of training prompts that are worded as the embedding tasks word theirs: an
 * instruction-tuned model knows such instructions.
 */
const REWORDED = 0.4

function reworded(sample: Sample): Sample {
  return { ...sample, prompt: wordingOf(sample) }
}

function wordingOf({ kind, prompt }: Sample): string {
  switch (kind) {
    case 'label':
    case 'silhouette':
      return INSTRUCTIONS.label
    case 'group':
      return INSTRUCTIONS.group
    case 'caption':
      return prompt === CAPTION_PROMPTS.background ? INSTRUCTIONS.pictureToCaption : prompt
    case 'qa':
    case 'count':
    case 'colour':
      return `${INSTRUCTIONS.question} ${prompt}`
    case 'shapes':
    case 'tags':
    case 'reading':
    case 'text':
      return prompt
  }
}

export interface SampleRange {
  kind: SampleKind
  seed: number
  from: number
  count: number
  use: SceneUse
}

export function samplesOf(
  world: TowerWorld['world'],
  { kind, seed, from, count, use }: SampleRange,
): TwinSamples {
  const samples = Array.from({ length: count }, (_, i) =>
    pretrainingSample(world, seed, from + i, { kind, use }),
  )
  return { samples, pictures: samples.map(({ description }) => description) }
}

/** Each sample with the next one's picture. */
export function withShuffledPictures({ samples, pictures }: TwinSamples): TwinSamples {
  return { samples, pictures: pictures.map((_, i) => pictures[(i + 1) % pictures.length]!) }
}

/** One row before padding: token ids, the end token of the answer included. */
export interface Row {
  prompt: number[]
  answer: number[]
  hasImage: boolean
}

const isPlainText = ({ prompt }: Sample) => prompt === ''

/** A sample as token ids, image positions in place. A plain text has no user's turn. */
export function rowOf({ tokenizer }: TowerWorld, sample: Sample, hasImage: boolean): Row {
  const { prompt, answer } = sample
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
  if (isPlainText(sample))
    return { prompt: [SPECIAL_IDS.bos], answer: [...encode(answer), SPECIAL_IDS.eos], hasImage }
  const picture = hasImage ? new Array<number>(IMAGE_TOKENS).fill(SPECIAL_IDS.image) : []
  return {
    prompt: [
      SPECIAL_IDS.bos,
      ...picture,
      ...encode(hasImage ? `\n${prompt}` : prompt),
      SPECIAL_IDS.endOfTurn,
    ],
    answer: [...encode(answer), SPECIAL_IDS.eos],
    hasImage,
  }
}

/** `imageIndex` of the first positions of a row whose picture is number `picture` of its batch. */
export function imagePositions(picture: number): number[] {
  return [-1, ...Array.from({ length: IMAGE_TOKENS }, (_, i) => picture * IMAGE_TOKENS + i)]
}

export interface TwinBatchOptions {
  objective: Objective
  /** Seed of the masks and number of the batch. */
  seed: number
  step: number
  /**
   * Whether the end tokens that fill an answer up to the longest of its batch are learnt too
   * (masked diffusion; specs/lavida.md §6.1). Plain texts aren't filled.
   */
  fill: boolean
}

/** Feeds of `twinLoss`. */
export function twinBatch(
  at: TowerWorld,
  drawn: TwinSamples,
  { objective, seed, step, fill }: TwinBatchOptions,
): Record<string, Tensor> {
  const rows = drawn.samples.map((sample, i) => rowOf(at, sample, drawn.pictures[i] !== null))
  const diffusion = objective === 'masked-diffusion'
  const answers = Math.max(...rows.map(({ answer }) => answer.length))
  const filled = rows.map((row, i) =>
    diffusion && fill && !isPlainText(drawn.samples[i]!)
      ? { ...row, answer: fillUp(row.answer, answers) }
      : row,
  )
  const seq = Math.max(...filled.map(({ prompt, answer }) => prompt.length + answer.length))
  const targets = filled.map(({ prompt, answer }): TargetRow => {
    const rest = new Array<number>(seq - prompt.length - answer.length).fill(SPECIAL_IDS.eos)
    return {
      inputIds: [...prompt, ...answer, ...rest],
      labels: [...prompt.map(() => IGNORED), ...answer, ...rest.map(() => IGNORED)],
    }
  })
  const scored = diffusion
    ? noise(targets, drawNoise(targets.length, seq, stream(seed, 'noise', step)), {
        maskId: SPECIAL_IDS.mask,
      })
    : nextToken(targets)
  const copies = scored.inputIds.length / rows.length
  const pictures = drawn.pictures.filter((picture) => picture !== null)
  let next = 0
  const imageIndex = filled.flatMap(({ hasImage }) => {
    const own = hasImage ? imagePositions(next++) : []
    return [...own, ...new Array<number>(seq - own.length).fill(-1)]
  })
  const mask = filled.flatMap(({ prompt, answer }) =>
    Array.from({ length: seq }, (_, i) => (i < prompt.length + answer.length ? 1 : 0)),
  )
  const dims = [rows.length * copies, seq]
  const repeated = (values: number[]) => i64(dims, Array.from({ length: copies }, () => values).flat())
  return {
    // A text-only batch sees one blank picture that no row points at: the graph stays one.
    pixels: pictures.length > 0 ? drawBatch(pictures, at.sheets) : blank(),
    input_ids: i64(dims, scored.inputIds.flat()),
    attention_mask: repeated(mask),
    image_index: repeated(imageIndex),
    ...lossFeeds(scored),
  }
}

function fillUp(answer: readonly number[], length: number): number[] {
  return [...answer, ...new Array<number>(length - answer.length).fill(SPECIAL_IDS.eos)]
}

/** Every answer token is scored at the position before it. */
function nextToken(
  rows: readonly TargetRow[],
): Pick<NoisedBatch, 'inputIds' | 'positions' | 'targets' | 'weights'> {
  const seq = rows[0]!.inputIds.length
  const found = rows.flatMap(({ labels }, row) =>
    labels.flatMap((label, i) => (label === IGNORED ? [] : [{ position: row * seq + i - 1, label }])),
  )
  return {
    inputIds: rows.map(({ inputIds }) => [...inputIds]),
    positions: found.map(({ position }) => position),
    targets: found.map(({ label }) => label),
    weights: found.map(() => 1 / found.length),
  }
}

function blank(): Tensor<'u8'> {
  return {
    dtype: 'u8',
    dims: [1, PICTURE_SIZE, PICTURE_SIZE, 3],
    data: new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3),
  }
}
