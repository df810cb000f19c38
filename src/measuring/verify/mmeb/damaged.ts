/** @file Damaged folders: every fault is told at its place, and the other rows go on. */

import { join } from 'node:path'
import { BifocalError } from '../../../foundation/numeric/errors.ts'
import { openMmeb } from '../../../inputs/data/mmeb/folder.ts'
import { PROBLEM_KINDS, type Problem } from '../../../inputs/data/mmeb/problem.ts'
import type { MmebComparison } from './comparison.ts'
import type { Damaged, DamagedCase, MmebFixture } from './fixture.ts'
import { embedDataset, type StoringEmbedder, valuesOf } from './values.ts'

/** The name under which a damaged folder is compared: once, whatever is in it. */
export function damagedKey(name: string): string {
  return `damaged ${name}`
}

/** Compares every damaged folder. */
export async function compareDamaged(
  dir: string,
  { cases }: Damaged,
  tolerance: MmebFixture['tolerance'],
  embedder: StoringEmbedder,
  { recorder }: MmebComparison,
): Promise<void> {
  for (const one of cases) {
    const faults = await faultsOf(join(dir, 'damaged', one.name), one, tolerance, embedder)
    recorder.check(
      { case: one.name, stage: 'damaged', key: damagedKey(one.name) },
      faults.length === 0,
      faults.join('; '),
    )
  }
}

/** The differences from the expectation, in words. */
async function faultsOf(
  path: string,
  one: DamagedCase,
  { cosine, cosine_jpeg }: MmebFixture['tolerance'],
  embedder: StoringEmbedder,
): Promise<string[]> {
  const folder = await openMmeb(path).catch((cause: unknown) => {
    if (cause instanceof BifocalError) return cause
    throw cause
  })
  if (folder instanceof BifocalError) return refusalFaults(one, folder)
  try {
    const embedded = await embedDataset(embedder, await folder.read(one.dataset))
    const { task, problems, total } = embedded.dataset
    const usable = task.test.map(({ id }) => Number(id))
    const faults = [...reportFaults(one, problems), ...usableFaults(one, usable, problems)]
    const counted = total !== undefined && one.rows_in_file !== undefined && one.accept === undefined
    if (counted && total !== one.rows_in_file)
      faults.push(`the file has ${total} rows, expected ${one.rows_in_file}`)
    const { cosines, scores } = await valuesOf(embedded)
    for (const [i, row] of usable.entries()) {
      const wanted = one.expect[row]
      if (wanted === undefined) continue
      const own = cosines[i]!
      const { query, candidates } = task.test[i]!
      const jpeg = [query, ...candidates].some(({ image = [] }) => image.some((picture) => picture.jpeg))
      const allowed = jpeg ? cosine_jpeg : cosine
      const far =
        own.length !== wanted.scores.length ||
        own.some((value, at) => !(Math.abs(value - wanted.scores[at]!) <= allowed))
      if (far) faults.push(`row ${row} scores ${own.join(' ')}, expected ${wanted.scores.join(' ')}`)
      if (scores.rows[i]!.best !== wanted.prediction)
        faults.push(`row ${row} predicts ${scores.rows[i]!.best}, expected ${wanted.prediction}`)
    }
    return faults
  } finally {
    await folder.close()
  }
}

/** A folder that is refused as a whole has no usable rows, and no fault of a single one. */
function refusalFaults({ report, usable, accept }: DamagedCase, { message }: BifocalError): string[] {
  const whole = report.every(({ row }) => row === null) && (usable.length === 0 || accept !== undefined)
  return whole ? [] : [`the folder is refused: ${message}`]
}

/**
 * Every expected fault is told, at its place, and no other. A fixture may have words of its own for
 * the kinds of faults: then the place alone is compared.
 */
function reportFaults({ report }: DamagedCase, problems: readonly Problem[]): string[] {
  const known: readonly string[] = PROBLEM_KINDS
  const matches = ({ kind, ...place }: DamagedCase['report'][number], problem: Problem) => {
    const own: Readonly<Record<string, unknown>> = { ...problem }
    if (known.includes(kind) && kind !== problem.kind) return false
    return Object.entries(place).every(([key, value]) => own[key] === value)
  }
  return [
    ...report.flatMap((wanted) =>
      problems.some((problem) => matches(wanted, problem)) ? [] : [`not told: ${JSON.stringify(wanted)}`],
    ),
    ...problems.flatMap((problem) =>
      report.some((wanted) => matches(wanted, problem)) ? [] : [`told: ${problem.error.message}`],
    ),
  ]
}

/**
 * Where other behaviour is as good, usable rows may be left out too, if the report tells a fault of
 * their file.
 */
function usableFaults(
  { usable: wanted, accept }: DamagedCase,
  usable: readonly number[],
  problems: readonly Problem[],
): string[] {
  const told = (row: number) => problems.some((problem) => problem.row === null || problem.row === row)
  const missing = wanted.filter((row) => !usable.includes(row) && !(accept !== undefined && told(row)))
  const more = usable.filter((row) => !wanted.includes(row) && accept === undefined)
  return [
    ...missing.map((row) => `row ${row} is usable, and is left out`),
    ...more.map((row) => `row ${row} is scored, and is not usable`),
  ]
}
