/** @file `bifocal study`: the main job, models in, report out. */

import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { command, wholeNumber } from '../command.ts'

export const study = command('study', 'Convert models, measure them, explain the difference, write a report')
  .option(
    '--models <models...>',
    'checkpoint folders, or ORG/NAME[@REVISION] on the hub; default: the shipped twins and their tower',
  )
  .option('--tasks <names...>', 'embedded tasks; default all')
  .option(
    '--plan <name>',
    'quick (minutes) or full (hours); default quick',
    z.enum(['quick', 'full'], { error: 'expected quick or full' }).optional(),
  )
  .option('--steps <n>', 'steps of each conversion', wholeNumber(1).optional())
  .option(
    '--tune <part>',
    'lora, or all: every decoder weight but the embeddings; default lora',
    z.enum(['lora', 'all']).optional(),
  )
  .option('--rank <n>', 'rank of the low-rank updates; default 64', wholeNumber(1).optional())
  .option(
    '--controls <yes|no>',
    'whether random decoders are converted too; default: no in quick, yes in full',
    z.enum(['yes', 'no']).optional(),
  )
  .option('--seed <n>', 'of batches, adapters and intervals; default 7', wholeNumber(0).optional())
  .option(
    '--out <dir>',
    'where report and results go; default bifocal-study',
    z.string().min(1, 'expected a folder').optional(),
  )
  .action(async ({ out = 'bifocal-study', controls, ...given }, io) => {
    if (given.tune === 'all' && given.rank !== undefined) {
      throw new UsageError('arguments', {
        message: '--rank with --tune all',
        hint: 'Only low-rank updates have a rank: give one of the two.',
      })
    }
    const [{ runStudy }, { scoreTable }] = await Promise.all([
      import('../../measuring/study/study.ts'),
      import('../../measuring/report/table.ts'),
    ])
    const { results, written } = await runStudy({
      ...given,
      controls: controls === undefined ? undefined : controls === 'yes',
      out,
      argv: process.argv.slice(2),
      signal: io.signal,
      onProgress: io.progress,
      warn: io.warn,
    })
    const failed = results.criteria.filter(({ passed }) => !passed)
    io.print(scoreTable(results, { width: io.width, color: io.color }), results)
    io.say(`\n${results.finding.sentence}`)
    io.say(
      `criteria: ${results.criteria.length - failed.length} of ${results.criteria.length} met${failed.length > 0 ? '; the report names the others' : ''}`,
    )
    io.say(`report: ${written.html}\nresults: ${written.results}`)
    return 0
  })
