/** @file Scores and vectors of finished runs in the forms of other programs. */

import { join } from 'node:path'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import { openOperands } from '../comparison/operands.ts'
import { BenchmarkError } from '../errors.ts'
import { fileName } from '../run/files.ts'
import { exportMmeb, type SubmissionFields } from './mmeb.ts'
import { exportMteb } from './mteb.ts'
import { exportProjector } from './projector.ts'
import { csvTable, markdownTable, type ScoreRecord, scoreRecords } from './tables.ts'

export const EXPORT_FORMATS = ['csv', 'json', 'markdown', 'mteb', 'mmeb', 'projector'] as const
type ExportFormat = (typeof EXPORT_FORMATS)[number]

export interface ExportOptions {
  format: ExportFormat
  /** A file for tables, where one is wanted; the folder of `mteb`, `mmeb` and `projector`. */
  out?: string
  /** Of a Markdown table. Default `hit1`. */
  metric?: string
  /** Fields of MMEB's submission that a run does not know. */
  fields?: SubmissionFields
}

export interface Exported {
  /** The table, where no file was asked for. */
  readonly text?: string
  readonly records?: readonly ScoreRecord[]
  /** Files and folders that were written. */
  readonly written: readonly string[]
  /** Words about them. */
  readonly notes: readonly string[]
}

/**
 * @param words `RUN` or `RUN:MODEL`
 * @throws BenchmarkError `benchmark/export`, `benchmark/no-metric`, `benchmark/no-vectors`; as
 *   `openOperands`; FileError
 * @example await exportRuns(['out'], { format: 'markdown' })
 */
export async function exportRuns(
  words: readonly string[],
  { format, out, metric, fields }: ExportOptions,
): Promise<Exported> {
  const operands = await openOperands(words)
  if (format === 'csv' || format === 'json' || format === 'markdown') {
    const records = scoreRecords(operands)
    const tables = {
      csv: () => csvTable(records),
      json: () => JSON.stringify(records, undefined, 2),
      markdown: () => markdownTable(records, metric),
    }
    const text = tables[format]()
    if (out === undefined) return { text, records, written: [], notes: [] }
    await writeFileAtomic(out, `${text}\n`)
    return { records, written: [out], notes: [] }
  }
  if (out === undefined)
    throw new BenchmarkError('export', {
      message: `${format} is a folder of files, and none is named`,
      hint: 'Name the folder with --out DIR.',
    })
  const written: string[] = []
  const notes: string[] = []
  for (const operand of operands) {
    const { label } = operand
    if (format === 'mteb') written.push(await exportMteb(operand, out))
    else if (format === 'mmeb') {
      const { submission, datasets } = await exportMmeb(operand, out, { fields })
      written.push(submission)
      notes.push(`${label}: scores of ${datasets.length} datasets of the leaderboard; others are FILE_N/A`)
    } else {
      const folder = operands.length === 1 ? out : join(out, fileName(operand.id))
      const { points } = await exportProjector(operand, folder)
      written.push(folder)
      notes.push(`${label}: ${points} points; load vectors.tsv and metadata.tsv at projector.tensorflow.org`)
    }
  }
  return { written, notes }
}
