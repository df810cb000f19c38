/** @file Damaged folders: every fault is told at its place, and the other rows go on. */

import { join } from 'node:path'
import { openMmeb } from '../../../inputs/data/mmeb/folder.ts'
import type { Problem } from '../../../inputs/data/mmeb/problem.ts'
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
  { cosine }: MmebFixture['tolerance'],
  embedder: StoringEmbedder,
): Promise<string[]> {
  const folder = await openMmeb(path)
  try {
    const embedded = await embedDataset(embedder, await folder.read(one.dataset))
    const { task, problems, total } = embedded.dataset
    const usable = task.test.map(({ id }) => Number(id))
    const faults = [...reportFaults(one, problems), ...usableFaults(one, usable, problems)]
    if (total !== undefined && one.accept === undefined && total !== one.rows_in_file)
      faults.push(`the file has ${total} rows, expected ${one.rows_in_file}`)
    const { cosines, scores } = await valuesOf(embedded)
    for (const [i, row] of usable.entries()) {
      const wanted = one.expect[row]
      if (wanted === undefined) continue
      const own = cosines[i]!
      const far =
        own.length !== wanted.scores.length ||
        own.some((value, at) => !(Math.abs(value - wanted.scores[at]!) <= cosine))
      if (far) faults.push(`row ${row} scores ${own.join(' ')}, expected ${wanted.scores.join(' ')}`)
      if (scores.rows[i]!.best !== wanted.prediction)
        faults.push(`row ${row} predicts ${scores.rows[i]!.best}, expected ${wanted.prediction}`)
    }
    return faults
  } finally {
    await folder.close()
  }
}

/** Every expected fault is told, at its place, and no other. */
function reportFaults({ report }: DamagedCase, problems: readonly Problem[]): string[] {
  const matches = (wanted: Readonly<Record<string, unknown>>, problem: Problem) => {
    const own: Readonly<Record<string, unknown>> = { ...problem }
    return Object.entries(wanted).every(([key, value]) => own[key] === value)
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
