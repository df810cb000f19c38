/** @file The model card of a pretrained folder, and the trimmed log beside it. */

import { join } from 'node:path'
import { readText, writeFileAtomic } from '../../foundation/files/file.ts'
import { sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Concept } from '../../inputs/scenes/concepts.ts'
import { PretrainingError } from './errors.ts'
import { type Gate, gateRows } from './gates.ts'
import { meanLosses, type PretrainingLog, trimmedLog } from './log.ts'
import { IMAGE_TOKENS, PATCH_SIZE, PICTURE_SIZE, VOCABULARY } from './recipe.ts'
import type { SampleAnswer } from './sample-answers.ts'
import type { TowerWorld } from './tower-batch.ts'

/** The parts of a card that differ between kinds of models. */
export interface CardSubject {
  readonly name: string
  readonly library: 'transformers' | 'bifocal'
  /** The hub's word for the task. */
  readonly task: 'image-text-to-text' | 'zero-shot-image-classification' | 'image-to-image'
  readonly summary: string
  /** Absent: the recipe says all about them, and the model reads no text. */
  readonly rates?: { readonly muon: number; readonly adamw: number }
  /** @param numbers counts the numbers in the parameters that a test accepts */
  recipe(numbers: (accepts: (parameter: string) => boolean) => string): readonly string[]
  /** Differences between the layouts of twins; empty for the tower. */
  readonly unequal: readonly string[]
  /** How answers are written; undefined for a model that writes none. */
  readonly answered?: 'generated' | 'infilled'
  /** Markdown sections at the end. */
  readonly sections: readonly string[]
}

export interface CardContent {
  subject: CardSubject
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
 * Puts newly measured gates into a card, in the place of those that stand there.
 * @throws PretrainingError `pretraining/no-gates`; FileError
 */
export async function updateGates(dir: string, gates: readonly Gate[]): Promise<void> {
  const path = join(dir, 'README.md')
  const text = await readText(path)
  const [start, end] = [text.indexOf(GATES[0]), text.indexOf(GATES[1])]
  if (start < 0 || end < start) {
    throw new PretrainingError('no-gates', {
      message: `${path} has no table of gates between ${GATES[0]} and ${GATES[1]}`,
      hint: 'Put both marks where the table shall stand, or measure without cards (--cards).',
    })
  }
  await writeFileAtomic(path, text.slice(0, start) + gateSection(gates) + text.slice(end + GATES[1].length))
}

/** A row of the table of gates: met or not, model, name, value, sign and bound, the rest. */
const GATE_ROW =
  /^\| (met|MISSED) \| (.+?) \| (.+?) \| (-?[\d.]+) \| (≥|≤|>) (-?[\d.]+) \| ((?:[^|\\]|\\.)*) \|$/u
const BOUNDED = { '≥': 'at least', '≤': 'at most', '>': 'above' } as const

/** The gates that a card holds, for a model whose weights are not there: marked "recorded". */
export function recordedGates(card: string): Gate[] {
  const [start, end] = [card.indexOf(GATES[0]), card.indexOf(GATES[1])]
  return card
    .slice(Math.max(0, start), Math.max(0, end))
    .split('\n')
    .flatMap((line): Gate[] => {
      const [, passed, model, name, value, sign, bound, beside = ''] = GATE_ROW.exec(line) ?? []
      const bounded = Object.entries(BOUNDED).find(([own]) => own === sign)?.[1]
      if (model === undefined || name === undefined || bounded === undefined) return []
      const words = beside.replaceAll('\\|', '|')
      return [
        {
          model,
          name,
          value: Number(value),
          bound: Number(bound),
          bounded,
          passed: passed === 'met',
          recorded: true,
          beside: words === '' ? 'recorded' : `recorded; ${words}`,
        },
      ]
    })
}

function cardText(content: CardContent): string {
  const { subject, steps, batch, seed, parameters, answers, log, gates } = content
  const { name, library, task, summary, unequal, answered, sections } = subject
  const recipe = [...subject.recipe((accepts) => numbersIn(parameters, accepts)), ...sharedLines(content)]
  const parts = [
    `---\nlicense: cc-by-sa-4.0\nlibrary_name: ${library}\ntags: [bifocal, ${task}, tiny]\n---`,
    `# ${name}`,
    summary,
    'It is a small model for controlled experiments on two processor cores. It knows some 200 drawings ' +
      'and a few kinds of scenes, and is of no use beyond them.',
    `## Recipe\n\n${listOf(recipe)}\n\nMade by \`bifocal pretrain ${name}\`: ${steps} steps of ${batch} ` +
      `samples, seed ${seed}. The same command, seed and number of threads give the same bytes.`,
    `## Data and licences\n\n${licences(content.at)}`,
    ...(unequal.length > 0 ? [`## What the layouts leave unequal\n\n${listOf(unequal)}`] : []),
    `## Log\n\nMean training loss in nats; \`log.jsonl\` has a line for every ${LOG_EVERY} updates.\n\n${curveTable(log)}`,
    heldOutTable(log),
    `## Gates\n\n${gateSection(gates)}`,
    ...(answers.length > 0
      ? [
          `## Answers to pictures that no training showed\n\nThe first of the held-out stream, not ` +
            `chosen; ${answered} greedily.\n\n${answerTable(answers)}`,
        ]
      : []),
    ...sections,
  ]
  return `${parts.join('\n\n')}\n`
}

function listOf(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n')
}

/** Recipe lines that tower and twins share. */
function sharedLines({ subject: { rates }, at }: CardContent): string[] {
  if (rates === undefined) return []
  const { muon, adamw } = rates
  return [
    `Pictures of ${PICTURE_SIZE} × ${PICTURE_SIZE} pixels, patches of ${PATCH_SIZE}: ${IMAGE_TOKENS} ` +
      `image tokens. Byte-level BPE of ${VOCABULARY} ids.`,
    `Muon (${muon}) for matrices inside blocks, AdamW (${adamw}) for the rest; warm-up, plateau, linear cool-down`,
    `Tokens per word: labels of training concepts ${fertility(at.world.training, at)}, of held-out ` +
      `concepts ${fertility(at.world.heldOut, at)}. Training text made the vocabulary, so unseen words ` +
      'cost more tokens.',
  ]
}

/** Numbers in the parameters that `accepts` takes, for a reader. */
function numbersIn(
  parameters: Readonly<Record<string, Tensor>>,
  accepts: (parameter: string) => boolean,
): string {
  return Object.entries(parameters)
    .reduce((sum, [parameter, { dims }]) => sum + (accepts(parameter) ? sizeOf(dims) : 0), 0)
    .toLocaleString('en')
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
    `Scenes composed by the package from ${world.training.length} training concepts, each in three of ` +
      `four drawing styles; the fourth, the styles \`glossy\` and \`blob\`, ${world.heldOut.length} ` +
      'held-out concepts and a share of all combinations were never shown. Sources (data/NOTICE has them ' +
      'in full):',
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

/** Words for an evaluation that has this figure. */
const CURVES: readonly (readonly [figure: string, words: string])[] = [
  [
    'seen',
    'Share of drawings named among the labels of all training concepts: shown drawings in new renderings, and withheld ones.',
  ],
  [
    'psnr',
    'Pictures of held-out combinations, rebuilt from their codes: decibels; perplexity and number of the codes.',
  ],
]

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
  const what =
    CURVES.find(([figure]) => names.includes(figure))?.[1] ??
    'Held-out combinations, nats per answer token, with each sample’s own picture (real) and with another’s (shuffled).'
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
