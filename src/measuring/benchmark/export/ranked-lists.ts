/** @file The whole ranking of every row of a finished run, from its stored vectors. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../../foundation/files/file.ts'
import { dot } from '../../../foundation/numeric/linear.ts'
import type { Row } from '../../../inputs/data/task.ts'
import type { VectorOf } from '../../../models/embedder/vectors/all.ts'
import type { VectorFolder } from '../../../models/embedder/vectors/folder.ts'
import type { RunOperand } from '../comparison/operands.ts'
import { BenchmarkError } from '../errors.ts'

/** Stored vectors of a model, and the names of its items. */
export interface StoredItems {
  readonly vectorOf: VectorOf
  readonly dim: number
  readonly nameOf: (key: string) => string
}

/** A row with its candidates by name, the nearest first. */
export interface Prediction {
  readonly prediction: readonly string[]
  /** Names of the right candidates. */
  readonly label: readonly string[]
  /** Grades of these; null where all are the same. */
  readonly rel_scores: readonly number[] | null
}

/**
 * Reads the vectors of all items of some rows.
 * @throws BenchmarkError `benchmark/no-vectors` where the run's store is gone or incomplete
 */
export async function storedItems({ run, model }: RunOperand, rows: readonly Row[]): Promise<StoredItems> {
  const folder = await run.vectors(model.id)
  const keys = [
    ...new Set(rows.flatMap(({ query, candidates }) => [query, ...candidates]).map(({ key }) => key)),
  ]
  const found = await folder?.all(keys)
  const lacking = keys.filter((key) => found?.get(key) === undefined).length
  if (folder === undefined || found === undefined || lacking > 0)
    throw new BenchmarkError('no-vectors', {
      message: `${run.path}: ${lacking} of ${keys.length} items of ${model.id} have no stored vector`,
      hint: 'Start the same bifocal eval again: it computes the vectors that are gone. Baselines may have none.',
    })
  const names = await namesIn(folder)
  return {
    vectorOf: (key) => found.get(key)![0]!,
    dim: found.get(keys[0]!)![0]!.length,
    nameOf: (key) => names.get(key) ?? key,
  }
}

/** Candidates by falling score; equal ones in the order of the list. */
export function predictionOf(
  { query, candidates, positive, positives = [positive], grades }: Row,
  { vectorOf, nameOf }: StoredItems,
): Prediction {
  const own = vectorOf(query.key)
  const scores = Float64Array.from(candidates, ({ key }) => dot(own, vectorOf(key)))
  const order = [...candidates.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b)
  return {
    prediction: order.map((at) => nameOf(candidates[at]!.key)),
    label: positives.map((at) => nameOf(candidates[at]!.key)),
    rel_scores: grades === undefined ? null : [...grades],
  }
}

const line = z.looseObject({
  key: z.string(),
  instruction: z.string().optional(),
  text: z.string().optional(),
  image: z.array(z.string()).optional(),
})

/**
 * Names of stored items, as MMEB-V2's code forms them: a text by itself; a picture by its key, with
 * the text behind a colon where there is one.
 */
async function namesIn({ path }: VectorFolder): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const file of (await readdir(path)).filter((name) => name.endsWith('.jsonl')).sort()) {
    for (const words of (await readText(join(path, file))).split('\n').filter((text) => text !== '')) {
      const { key, instruction, text, image } = line.parse(JSON.parse(words))
      const said = text ?? instruction
      const parts = [...(image ?? []), ...(said === undefined ? [] : [said])]
      names.set(key, parts.length === 0 ? key : parts.join(':'))
    }
  }
  return names
}
