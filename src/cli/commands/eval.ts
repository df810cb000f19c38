/** @file `bifocal eval`: models on tasks, as a table with intervals. */

import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import type { EvalRun } from '../../measuring/benchmark/run/eval-run.ts'
import type { ScoreLimit } from '../../measuring/benchmark/run/limits.ts'
import type { EvaluationPlan } from '../../measuring/benchmark/run/prepare.ts'
import { command, wholeNumber } from '../command.ts'
import { askedSchema, evaluationOf } from '../evaluation.ts'
import type { CommandIo } from '../io.ts'
import { withLoadFlags } from '../load-flags.ts'
import { shardOf } from '../shard.ts'
import { TASK_WORDS, withRowFlags, withTaskFlags } from '../task-flags.ts'

const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/

/** `10m`, `1h30m`, `90s`, `90`: seconds. */
const duration = z
  .string()
  .regex(DURATION, 'expected a time such as 10m, 1h30m or 90s')
  .transform((said) => {
    const [, hours = 0, minutes = 0, seconds = 0] = DURATION.exec(said) ?? []
    return 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds)
  })
  .pipe(z.number().positive('expected more than no time'))
  .optional()

const own = command('eval [models...]', 'Score models on tasks: a table with intervals')
  .option('--tasks <words...>', TASK_WORDS)
  .option('--out <folder>', 'the folder of the run; a stopped run goes on', z.string().min(1).optional())
  .option('--vectors <files...>', 'vectors that were made elsewhere, FILE or LABEL=FILE, by id or in order')
  .option('--items <folder>', 'write the items of the tasks for other programs, and stop')
  .option('--budget <time>', 'draw so many rows that embedding takes about 10m, 1h30m, …', duration)
  .option('--seed <n>', 'of intervals and of drawn rows; default 7', wholeNumber(0).optional())
  .option('--store <folder>', 'where vectors are kept; default: in the run')
  .option('--shard <i/n>', "this machine's part, from 1; auto/n reads the scheduler's index")
  .option('--dry-run', 'tell what would be done and how long it would take')
  .repeatable('--fail-under <name=score>', 'exit 4 where a task or a mean (all, CLS, …) is below: all=0.6')

export const evalCommand = withLoadFlags(withRowFlags(withTaskFlags(own))).action(
  async ({ out, items, store, shard: said, dryRun, failUnder = [], models = [], ...flagged }, io) => {
    const shard = shardOf(said, process.env)
    const limits = failUnder.map(limitOf)
    if (shard !== undefined && limits.length > 0)
      throw new UsageError('arguments', {
        message: '--fail-under for a shard, which has no scores',
        hint: 'Give it to merge-runs, which scores the shards.',
      })
    const options = await evaluationOf(askedSchema.parse({ ...flagged, models }), out ?? '', io)
    if (items !== undefined) {
      const { writeItems } = await import('../../measuring/benchmark/run/vectors.ts')
      const { tasks, limit, stray, strict, signal, onProgress } = options
      const count = await writeItems(items, { tasks, limit, stray, strict, signal, onProgress })
      io.print(`${count} items → ${items}/items.jsonl`, { items: count, folder: items })
      return 0
    }
    if (out === undefined)
      throw new UsageError('arguments', {
        message: 'no folder for the run',
        hint: 'Name it: --out FOLDER. A run of the same folder goes on.',
      })
    const whole = { ...options, limits, ...(store !== undefined && { store }), ...(shard && { shard }) }
    if (dryRun) {
      const { planEvaluation } = await import('../../measuring/benchmark/run/prepare.ts')
      const plan = await planEvaluation(whole)
      io.print(planWords(plan), plan)
      return 0
    }
    const { evaluate } = await import('../../measuring/benchmark/run/evaluate.ts')
    const { run, vectors } = await evaluate({ ...whole, argv: process.argv.slice(2) })
    for (const { model, items: all, resumed, computed } of vectors)
      if (resumed > 0) io.say(`${model}: ${resumed} of ${all} vectors were stored, ${computed} were computed`)
    if (run === undefined) {
      io.print(`shard ${shard?.index} of ${shard?.of} → ${out}`, { shard, vectors })
      return 0
    }
    return await printRun(run, limits, io)
  },
)

/** The table, the problems, the page, and whether a score is below its limit. */
export async function printRun(run: EvalRun, limits: readonly ScoreLimit[], io: CommandIo): Promise<0 | 4> {
  const [{ runTable }, { missedLimits }, { writeRunReport }] = await Promise.all([
    import('../../measuring/benchmark/run/table.ts'),
    import('../../measuring/benchmark/run/limits.ts'),
    import('../../measuring/report/write.ts'),
  ])
  const { results, path } = run
  io.print(runTable(results, { width: io.width ?? 160 }), results)
  for (const { message } of results.problems.slice(0, 20)) io.warn(`left out: ${message}`)
  for (const { name, left, total, sample } of results.tasks) {
    if (left > 0) io.say(`${name}: ${left} rows of ${total ?? '?'} were left out`)
    if (sample !== undefined) io.say(`${name}: ${sample.drawn} of ${sample.usable} rows were drawn`)
  }
  const page = await writeRunReport([run], path).catch((error: unknown) => {
    io.warn(`no page was written: ${error instanceof Error ? error.message : error}`)
    return undefined
  })
  io.say(`run: ${path}${page === undefined ? '' : `\npage: ${page}`}`)
  const missed = missedLimits(results, limits)
  for (const { model, name, value, score } of missed)
    io.say(`${model}: ${name} is ${(100 * value).toFixed(1)} %, below ${(100 * score).toFixed(1)} %`)
  return missed.length > 0 ? 4 : 0
}

/** `NAME=0.6` or `NAME=60%`; `mean` is that of all tasks. @throws UsageError `usage/option` */
export function limitOf(given: string): ScoreLimit {
  const at = given.lastIndexOf('=')
  const [name, said] = [given.slice(0, at), given.slice(at + 1)]
  const score = said.endsWith('%') ? Number(said.slice(0, -1)) / 100 : Number(said)
  if (at > 0 && said !== '' && score >= 0 && score <= 1)
    return { name: name === 'mean' ? 'all' : name, score }
  throw new UsageError('option', {
    message: `--fail-under "${given}": expected NAME=SCORE with a score from 0 to 1`,
    hint: 'Name a task or a mean: --fail-under scene-t2i=0.6 --fail-under mean=0.55',
  })
}

function planWords({ models, tasks, left, seconds }: EvaluationPlan): string {
  const time = (all: number | null) =>
    all === null ? 'a time that is not known' : `about ${Math.ceil(all)} s`
  return [
    ...tasks.map(({ name, rows, usable, items }) => `${name}: ${rows} of ${usable} rows, ${items} items`),
    ...models.map(
      (one) =>
        `${one.label}: ${one.items} items, ${one.stored} stored; ${one.tokens ?? 0} tokens to compute, ${time(one.seconds)}`,
    ),
    ...(left > 0 ? [`${left} rows cannot be used`] : []),
    `in all ${time(seconds)}; nothing was done`,
  ].join('\n')
}
