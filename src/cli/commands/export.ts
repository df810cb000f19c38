/** @file `bifocal export`: finished runs in the forms of other programs. */

import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'

/**
 * `EXPORT_FORMATS` of the benchmark, named here because the library is not loaded before a command
 * runs; a test compares.
 */
export const FORMATS = ['csv', 'json', 'markdown', 'mteb', 'mmeb', 'projector'] as const

export const exportCommand = command(
  'export <runs...>',
  'Write scores and vectors of runs for other programs: tables, mteb, MMEB, TensorFlow projector',
)
  .option(
    '--format <format>',
    'csv, json, markdown, mteb, mmeb (score files, predictions, submission) or projector',
    z.enum(FORMATS, { error: `expected one of ${FORMATS.join(', ')}` }),
  )
  .option('--out <path>', 'a file for csv, json, markdown (default: stdout); the folder of the others')
  .option('--metric <name>', 'of a markdown table; default hit1', z.string().optional())
  .option(
    '--name <name>',
    "mmeb: the model's name on the leaderboard; default: its label",
    z.string().optional(),
  )
  .option('--backbone <name>', 'mmeb: its backbone; default: its family', z.string().optional())
  .option('--size <n>', 'mmeb: billions of parameters; default: as counted', flags.number)
  .option('--max-length <n>', 'mmeb: tokens at most', wholeNumber(1).optional())
  .option(
    '--released <date>',
    'mmeb: YYYY-MM-DD',
    z.iso.date({ error: 'expected a date, such as 2026-01-31' }).optional(),
  )
  .option('--url <address>', 'mmeb: paper, code or weights', z.string().optional())
  .action(async ({ runs, format, out, metric, ...given }, io) => {
    const fields = {
      model_name: given.name,
      model_backbone: given.backbone,
      model_size: given.size,
      max_length_tokens: given.maxLength,
      model_release_date: given.released,
      url: given.url,
    }
    const [field] = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
    if (field !== undefined && format !== 'mmeb')
      throw new UsageError('arguments', {
        message: `--${field.replace('maxLength', 'max-length')} with --format ${format}`,
        hint: 'It is a field of the submission to MMEB: --format mmeb.',
      })
    const { exportRuns } = await import('../../measuring/benchmark/export/export.ts')
    const { text, written, notes, records } = await exportRuns(runs, { format, out, metric, fields })
    if (text !== undefined) io.print(text, records)
    else io.print(written.join('\n'), { written })
    for (const note of notes) io.say(note)
    return 0
  })
