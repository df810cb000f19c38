/**
 * @file Texts of MMEB-V2's rows, which have the instruction in a column of its own, put together as
 * its published code does: so that most of them equal those of MMEB-V1.
 * @see specs/vlm2vec-mmeb.md §2.5, §9.1; github.com/TIGER-AI-Lab/VLM2Vec, src/data/eval_dataset
 */

import { PLACEHOLDER } from './placeholder.ts'
import type { Parser } from './subsets.ts'

/** The query of a row. @param dataset by its name: VisDial's ends with one more line break */
export function queryText(dataset: string, parser: Parser, instruction: string, text: string): string {
  // A placeholder stays here, though these queries have no picture.
  if (parser === 'text-to-image') return `${instruction} ${text}\n${dataset === 'VisDial' ? '\n' : ''}`
  const bare = instruction.replaceAll(PLACEHOLDER, '')
  const said = parser === 'question' || parser === 'image-to-image' ? `\n${bare.trim()}` : bare
  return `${withoutBlanks(joined(said, text))}\n`
}

/**
 * The candidates of a row. The first text decides for all whether texts are used.
 * @param texts one for each candidate
 */
export function candidateTexts(parser: Parser, instruction: string, texts: readonly string[]): string[] {
  if (parser !== 'text-to-image' && parser !== 'image-to-image') return [...texts]
  const bare = instruction.replaceAll(PLACEHOLDER, '')
  if ((texts[0] ?? '').trim() !== '')
    return texts.map((text) => `${withoutBlanks(joined(`${bare} ${text}`, ''))}\n`)
  const alone = `${withoutBlanks(joined(bare, ''))}${parser === 'text-to-image' ? '\n' : ''}`
  return texts.map(() => alone)
}

function joined(instruction: string, text: string): string {
  return `${PLACEHOLDER} ${instruction}${text === '' ? '' : ` ${text}`}`
}

/** Blanks before line breaks are taken out. */
function withoutBlanks(text: string): string {
  return text.replaceAll(' \n', '\n')
}
