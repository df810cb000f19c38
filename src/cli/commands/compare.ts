/** @file `bifocal compare`: models of finished runs against each other, query by query. */

import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { command, wholeNumber } from '../command.ts'

export const compare = command(
  'compare <runs...>',
  'Compare models query by query: differences with intervals, and the queries on which they part',
)
  .option('--metric <name>', 'hit1, hit5, recall10, mrr, ndcg10, …; default hit1', z.string().optional())
  .option('--common', 'compare the rows that all have, where the runs hold different ones')
  .option('--unpaired', 'take the rows for different draws of the same tasks')
  .option('--flips <n>', 'queries shown of each kind of flip and task; default 10', wholeNumber(0).optional())
  .option('--seed <n>', "of the intervals; default: that of the reference's run", wholeNumber(0).optional())
  .option('--resamples <n>', 'of the intervals; default 2000', wholeNumber(100).optional())
  .option('--out <path>', 'writes a .json file, or a folder with comparison.json and a page')
  .repeatable(
    '--fail-if-worse <task=points>',
    'exit 4 where a task, a mean (all, …) or every task (*) loses more than so many points',
  )
  .option(
    '--evidence <kind>',
    'how sure a loss must be to fail: shown (its whole interval, default), value, possible',
    z.enum(['shown', 'value', 'possible'], { error: 'expected shown, value or possible' }).optional(),
  )
  .action(async ({ runs, out, failIfWorse = [], evidence, ...options }, io) => {
    if (options.common && options.unpaired)
      throw wrong('--common together with --unpaired', 'Rows are either joined or taken apart: give one.')
    if (evidence !== undefined && failIfWorse.length === 0)
      throw wrong('--evidence without --fail-if-worse', 'Say what may be lost: --fail-if-worse all=1.')
    const [{ compareRuns }, { comparisonWords }, { gateLimit, gatesOf }, { writeComparison }] =
      await Promise.all([
        import('../../measuring/benchmark/comparison/compare-runs.ts'),
        import('../../measuring/benchmark/comparison/words.ts'),
        import('../../measuring/benchmark/comparison/gates.ts'),
        import('../../measuring/benchmark/comparison/write.ts'),
      ])
    const limits = failIfWorse.map(gateLimit)
    const report = await compareRuns(runs, options)
    const gates = gatesOf(report, limits, evidence)
    const failed = gates.some(({ passed }) => !passed)
    // Pictures are for pages: they stand in the file alone.
    const { pictures: _, ...figures } = report
    io.print(comparisonWords(report, gates, { width: io.width, color: io.color }), { ...figures, gates })
    if (out !== undefined) {
      io.say(`comparison: ${await writeComparison(report, out)}`)
      if (!out.endsWith('.json')) {
        const { writeComparisonReport } = await import('../../measuring/report/write.ts')
        io.say(`report: ${await writeComparisonReport(report, out)}`)
      }
    }
    return failed ? 4 : 0
  })

function wrong(message: string, hint: string): UsageError {
  return new UsageError('arguments', { message, hint })
}
