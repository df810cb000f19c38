/** @file The model card of a pretrained folder, and the trimmed log beside it. */

import { join } from 'node:path'
import { readText, writeFileAtomic } from '../../foundation/files/file.ts'
import { sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Concept } from '../../inputs/scenes/index.ts'
import { PretrainingError } from './errors.ts'
import { type Gate, gateRows } from './gates.ts'
import { meanLosses, type PretrainingLog, trimmedLog } from './log.ts'
import {
  DECODER,
  HEADS,
  HIDDEN,
  IMAGE_TOKENS,
  PATCH_SIZE,
  PICTURE_SIZE,
  PLAIN_STEPS,
  SETTLING_STEPS,
  TOWER,
  TOWER_RATES,
  TWIN_MATCHING,
  TWIN_RATES,
  VOCABULARY,
} from './recipe.ts'
import type { SampleAnswer } from './sample-answers.ts'
import type { TowerWorld } from './tower-batch.ts'
import { TWIN_DIET } from './twin-batch.ts'
import type { TwinName } from './twin-config.ts'
import { isTower } from './twin-model.ts'

export interface CardContent {
  name: 'tower' | TwinName
  steps: number
  batch: number
  seed: number
  /** All parameters by canonical name, for their count. */
  parameters: Readonly<Record<string, Tensor>>
  gates: readonly Gate[]
  answers: readonly SampleAnswer[]
  log: PretrainingLog
  at: TowerWorld
}

/** Updates behind a line of the trimmed log, and lines of the card's table. */
const LOG_EVERY = 50
const CURVE_LINES = 12

const GATES = ['<!-- gates -->', '<!-- /gates -->'] as const

/** Writes `README.md` and `log.jsonl`. @throws FileError */
export async function writeCard(dir: string, content: CardContent): Promise<void> {
  await writeFileAtomic(join(dir, 'log.jsonl'), trimmedLog(content.log, LOG_EVERY))
  await writeFileAtomic(join(dir, 'README.md'), cardText(content))
}

/**
 * Puts newly measured gates into a card, in the place of those that stand there. @throws
 * PretrainingError `pretraining/no-gates`; FileError
 */
export async function updateGates(dir: string, gates: readonly Gate[]): Promise<void> {
  const path = join(dir, 'README.md')
  const text = await readText(path)
  const [start, end] = [text.indexOf(GATES[0]), text.indexOf(GATES[1])]
  if (start < 0 || end < start) {
    throw new PretrainingError('no-gates', {
      message: `${path} has no table of gates between ${GATES[0]} and ${GATES[1]}`,
      hint: 'Put both marks where the table shall stand, or measure without --cards.',
    })
  }
  await writeFileAtomic(path, text.slice(0, start) + gateSection(gates) + text.slice(end + GATES[1].length))
}

const SUMMARIES = {
  tower:
    'The image tower that both twins share, with a text tower beside it: a dual encoder in SigLIP layout for pictures of emoji-like drawings. In a study it is the baseline that was trained to put pictures and texts into one space.',
  'twin-ar':
    'The autoregressive twin, in LLaVA layout: causal attention, next-token objective. Its sibling `twin-diffusion` has the same data in the same order, image tower, tokenizer, prompt, sizes and steps; the two differ in objective and attention mask.',
  'twin-diffusion':
    'The diffusion twin, in LaViDa layout on LLaDA: bidirectional attention, masked-diffusion objective with complementary masks. Its sibling `twin-ar` has the same data in the same order, image tower, tokenizer, prompt, sizes and steps; the two differ in objective and attention mask.',
} as const

/** What sets the twins apart although it was not meant to. */
const UNEQUAL = [
  'Equal: pictures, prompts, answers and their order; the frozen tower (before its last norm) and its image tokens; projector and decoder shapes; RoPE base, norms and their epsilon; tokenizer, chat template, batch, steps, learning rates.',
  'Meant to differ: causal mask and next-token loss against full attention and masked-diffusion loss.',
  'The diffusion twin runs each batch twice with complementary masks, so one step costs it twice the forward and backward work. Each answer token is scored once per step in both.',
  'The diffusion twin learns the end tokens that fill an answer up to the longest of its batch (LaViDa does); the autoregressive twin learns the first end token only.',
  'The layouts name projector and decoder matrices differently; both twins start from the same values all the same.',
  'LLaVA files carry the tower’s last norm (unread); LaViDa files do not. LaViDa’s config counts one tower layer more than the file has, since the family always leaves the last one out.',
  'No newline token, one view a picture, no pooling in either, unlike published LaViDa models; no system prompt, unlike both.',
]

function cardText(content: CardContent): string {
  const { name, steps, batch, seed, answers, log, gates } = content
  const twin = name !== 'tower'
  const parts = [
    `---\nlicense: cc-by-sa-4.0\nlibrary_name: ${name === 'twin-diffusion' ? 'bifocal' : 'transformers'}\ntags: [bifocal, ${twin ? 'image-text-to-text' : 'zero-shot-image-classification'}, tiny]\n---`,
    `# ${name}`,
    SUMMARIES[name],
    'It is a small model for controlled experiments on two processor cores. It knows some 200 drawings and a few kinds of scenes, and is of no use beyond them.',
    `## Recipe\n\n${recipeLines(content)
      .map((line) => `- ${line}`)
      .join(
        '\n',
      )}\n\nMade by \`bifocal pretrain ${name}\`: ${steps} steps of ${batch} samples, seed ${seed}. The same command, seed and number of threads give the same bytes.`,
    `## Data and licences\n\n${licences(content.at)}`,
    ...(twin
      ? [`## What the layouts leave unequal\n\n${UNEQUAL.map((line) => `- ${line}`).join('\n')}`]
      : []),
    `## Log\n\nMean training loss in nats; \`log.jsonl\` has a line for every ${LOG_EVERY} updates.\n\n${curveTable(log)}`,
    heldOutTable(log),
    `## Gates\n\n${gateSection(gates)}`,
    ...(answers.length > 0
      ? [
          `## Answers to pictures that no training showed\n\nThe first of the held-out stream, not chosen; ${name === 'twin-ar' ? 'generated' : 'infilled'} greedily.\n\n${answerTable(answers)}`,
        ]
      : []),
    ...(name === 'twin-ar'
      ? [
          '## In transformers\n\n`LlavaForConditionalGeneration.from_pretrained` loads this folder; `test/oracles/load_twin_ar.py` compares the last hidden states with bifocal’s.\n\n<!-- parity -->\nNot compared yet.\n<!-- /parity -->',
        ]
      : []),
  ]
  return `${parts.join('\n\n')}\n`
}

function recipeLines({ name, parameters, at }: CardContent): string[] {
  const count = (accepts: (parameter: string) => boolean) =>
    Object.entries(parameters)
      .reduce((sum, [parameter, { dims }]) => sum + (accepts(parameter) ? sizeOf(dims) : 0), 0)
      .toLocaleString('en')
  const rates = name === 'tower' ? TOWER_RATES : TWIN_RATES
  const optimiser = `Muon (${rates.muon}) for matrices inside blocks, AdamW (${rates.adamw}) for the rest; warm-up, plateau, linear cool-down`
  const shared = [
    `Pictures of ${PICTURE_SIZE} × ${PICTURE_SIZE} pixels, patches of ${PATCH_SIZE}: ${IMAGE_TOKENS} image tokens. Byte-level BPE of ${VOCABULARY} ids.`,
    optimiser,
    `Tokens per word: labels of training concepts ${fertility(at.world.training, at)}, of held-out concepts ${fertility(at.world.heldOut, at)}. Training text made the vocabulary, so unseen words cost more tokens.`,
  ]
  if (name === 'tower') {
    return [
      `${count(() => true)} parameters: image tower ${count((parameter) => parameter.startsWith('vision_model.'))} (${TOWER.layers} layers, width ${HIDDEN}, ${HEADS} heads), text tower ${count((parameter) => parameter.startsWith('text_model.'))} (${TOWER.textLayers} layers).`,
      `Softmax over captions, hard near-copies and a bank of labels; beside it, what each patch shows (concept, colour) and the background, from heads that are dropped. From step ${PLAIN_STEPS} on, with the learning rate raised anew, most pictures show their drawings turned, stretched, mirrored, moved or in other colours, and a third of the single things as silhouettes; the last ${SETTLING_STEPS} steps show fewer of either. \`logit_bias\` is 0: a softmax knows none.`,
      ...shared,
    ]
  }
  const decoder = count((parameter) => !isTower(parameter))
  const { reading, textEvery, phases } = TWIN_DIET
  const percents = phases.map(({ from, shares }) => {
    const each = Object.entries(shares).map(([kind, share]) => `${Math.round(100 * share)} % ${kind}`)
    return `from update ${from} on ${each.join(', ')}`
  })
  return [
    `${count(() => true)} parameters: frozen tower ${count(isTower)}, projector and decoder ${decoder} (${DECODER.layers} layers, width ${HIDDEN}, ${HEADS} heads, head tied to the embeddings).`,
    `The first ${reading} updates see text alone: captions with questions and answers, learnt whole, and questions about words. Later every ${textEvery}th batch does; of the others ${percents.join('; ')}. A batch holds one kind. Two of five prompts are worded as the embedding tasks word their instructions.`,
    `${TWIN_MATCHING.heads} of each layer's ${HEADS} heads start with keys equal to their queries, the rest at random.`,
    ...shared,
  ]
}

function fertility(concepts: readonly Concept[], { tokenizer }: TowerWorld): string {
  const words = concepts.reduce((sum, { label }) => sum + label.split(' ').length, 0)
  const tokens = concepts.reduce(
    (sum, { label }) => sum + tokenizer.encode(label, { addSpecialTokens: false }).length,
    0,
  )
  return (tokens / words).toFixed(2)
}

function licences({ world }: TowerWorld): string {
  return [
    `Scenes composed by the package from ${world.training.length} training concepts, each in three of four drawing styles; the fourth, the styles \`glossy\` and \`blob\`, ${world.heldOut.length} held-out concepts and a share of all combinations were never shown. Sources (data/NOTICE has them in full):`,
    [
      '- `painted`: Noto Emoji, © Google LLC, Apache License 2.0',
      '- `flat`: Twemoji, © Twitter, Inc and other contributors, CC BY 4.0',
      '- `outlined`: OpenMoji, © OpenMoji authors, **CC BY-SA 4.0**; so are all scenes composed with its drawings',
      '- `rounded`: Fluent Emoji (flat), © Microsoft Corporation, MIT License',
      '- labels, tags, groups: emojibase-data, © Miles Johnson, MIT License, from the Unicode CLDR, © Unicode, Inc., Unicode License v3',
    ].join('\n'),
    'Since CC BY-SA pictures are among them, the weights are given under CC BY-SA 4.0 as well.',
  ].join('\n\n')
}

function curveTable(log: PretrainingLog): string {
  const every = Math.max(1, Math.ceil(log.losses.length / CURVE_LINES))
  return table(
    ['up to step', 'loss'],
    meanLosses(log, every).map(([step, loss]) => [String(step), loss.toFixed(3)]),
  )
}

/** Every evaluation, or an even choice of them that ends with the last. */
function heldOutTable({ evaluations }: PretrainingLog): string {
  const every = Math.max(1, Math.ceil(evaluations.length / CURVE_LINES))
  const shown = evaluations.filter((_, i) => (evaluations.length - 1 - i) % every === 0)
  const names = Object.keys(shown.at(-1)?.figures ?? {})
  if (names.length === 0) return 'No evaluation was due.'
  const rows = shown.map(({ step, figures }) => [
    String(step),
    ...names.map((name) => figures[name]?.toFixed(3) ?? ''),
  ])
  const what = names.includes('seen')
    ? 'Share of drawings named among the labels of all training concepts: shown drawings in new renderings, and withheld ones.'
    : 'Held-out combinations, nats per answer token, with each sample’s own picture (real) and with another’s (shuffled).'
  return `${what}\n\n${table(['step', ...names.map((name) => name.replaceAll('_', ' '))], rows)}`
}

function gateSection(gates: readonly Gate[]): string {
  return `${GATES[0]}\n${table(['', 'model', 'gate', 'value', 'bound', 'beside'], gateRows(gates))}\n${GATES[1]}`
}

function answerTable(answers: readonly SampleAnswer[]): string {
  return table(
    ['prompt', 'right', 'answer', ''],
    answers.map(({ prompt, gold, answer }) => [prompt, gold, answer, gold === answer ? 'same' : '']),
  )
}

/** A Markdown table; pipes in cells are escaped. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
