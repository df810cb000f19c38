/** @file `paper.md`: the tables and sentences of the plan `paper`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../../../foundation/files/file.ts'
import { recordedGates } from '../../../learning/pretraining/card.ts'
import { IMAGE_TOKENIZERS } from '../../../learning/pretraining/image-tokenizer/shape.ts'
import { shippedCards } from '../cards.ts'
import { causeMarkdown } from './cause-words.ts'
import type { PaperResults } from './results.ts'
import { armMarkdown, curveMarkdown, weightsMarkdown } from './tables.ts'
import { factorMarkdown } from './words.ts'

/** The gates of the image tokenizers, as their cards have them: they limit the discrete twins. */
export async function codesWords(weights: string): Promise<string[]> {
  const words: string[] = []
  for (const model of Object.keys(IMAGE_TOKENIZERS)) {
    const shipped = shippedCards().flatMap(({ name, path }) => (name === model ? [path] : []))
    const card = [join(weights, model, 'README.md'), ...shipped].find((path) => existsSync(path))
    if (card === undefined) continue
    for (const { name, value, passed, beside } of recordedGates(await readText(card)))
      words.push(`${model}: ${name} ${(100 * value).toFixed(1)} % (${beside})${passed ? '' : ', missed'}`)
  }
  return words
}

/** @param codes what the image tokenizers hold, a line a gate */
export function markdownOf(
  { command, runs, missing, effects, sentences, causes }: PaperResults,
  codes: readonly string[],
): string {
  const list = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join('\n')
  const makers = missing.map(
    ({ arm, pretraining, command: make }) => `${arm}, seed ${pretraining}: \`${make}\``,
  )
  const parts = [
    '# Which ingredient costs how much',
    `Made by \`${command}\` from ${runs.length} runs${recordedWords(runs)}.`,
    ...(missing.length === 0 ? [] : [`Missing, with the commands that make them:\n\n${list(makers)}`]),
    // Rows of equal compute are none of the design.
    ...(effects.tuned.every(({ equal }) => equal !== undefined)
      ? ['No effect of a factor can be told: a kind of model of the design has no run.']
      : []),
    ...(sentences.length === 0 ? [] : [list(sentences)]),
    ...(effects.tuned.length === 0
      ? []
      : [
          `## Factors\n\n${factorMarkdown(effects.tuned, 'tuned')}`,
          factorMarkdown(effects.untuned, 'untuned'),
        ]),
    ...causeMarkdown(causes, runs),
    `## Kinds of models\n\n${armMarkdown(runs)}`,
    `## How many training rows\n\n${curveMarkdown(runs)}`,
    `## Weights\n\n${weightsMarkdown(runs)}`,
    ...(codes.length === 0 ? [] : [`## What the codes hold\n\n${list(codes)}`]),
  ]
  return `${parts.join('\n\n')}\n`
}

function recordedWords(runs: PaperResults['runs']): string {
  const count = runs.filter(({ recorded }) => recorded).length
  return count === 0 ? '' : `; ${count} of them were recorded earlier, and their weights were not there`
}
