/** @file `bifocal study`: the main job, models in, report out. */

import { join } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { type CommandResult, command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'

/**
 * `TASK_NAMES` of the scenes, named here because the library is not loaded before a command runs; a
 * test compares.
 */
export const TASKS = [
  'object-label',
  'object-group',
  'withheld-label',
  'style-f-group',
  'held-out-group',
  'scene-what',
  'scene-count',
  'scene-shape-colour',
  'held-out-what',
  'scene-t2i',
  'scene-i2t',
  'composed-background',
  'cross-style',
  'held-out-t2i',
  'composed-count',
]

/** Masks of the plan `pairs`; a test compares. */
export const MASKS = ['causal', 'bidirectional', 'block'] as const

export const study = command('study', 'Tune models, measure them, explain the difference, write a report')
  .option(
    '--models <models...>',
    'models as embed takes them: folders, ORG/NAME[@REVISION], bifocal:NAME; default: the shipped twins and their tower',
  )
  .option('--tasks <names...>', `embedded tasks, default all: ${TASKS.join(', ')}`)
  .option(
    '--plan <name>',
    'quick (minutes), full (hours), pairs (models of one base, mask by mask), paper (twins over seeds); default quick',
    z.enum(['quick', 'full', 'pairs', 'paper'], { error: 'expected quick, full, pairs or paper' }).optional(),
  )
  .option('--weights <dir>', 'plan paper: holds SEED/NAME for each twin; default .bifocal/weights')
  .option('--extras', 'plan paper: further kinds of twins, and the other mask with all seeds')
  .option('--steps <n>', 'steps of each tuning', wholeNumber(1).optional())
  .option(
    '--tune <part>',
    'lora, or all: every decoder weight but the embeddings; default lora',
    z.enum(['lora', 'all']).optional(),
  )
  .option('--no-tune', 'score and analyse the models as they are')
  .option(
    '--extra-mask <masks...>',
    "plan pairs: masks beside each model's own: causal, bidirectional, block; none for no other; default all",
    z.array(z.enum([...MASKS, 'none'], { error: `expected ${MASKS.join(', ')} or none` })).optional(),
  )
  .option(
    '--block-size <n>',
    'plan pairs: positions of a block for models without blocks; default: as the first model that has some',
    flags.count,
  )
  .option('--rank <n>', 'rank of the low-rank updates; default 64', wholeNumber(1).optional())
  .option(
    '--controls <yes|no>',
    'whether random decoders are tuned too; default: no in quick, yes in full',
    z.enum(['yes', 'no'], { error: 'expected yes or no' }).optional(),
  )
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--dtype <dtype>', 'f32, f16 or int8, of embedding; tuning computes in f32', flags.dtype)
  .option('--threads <n>', 'of each model, which run side by side; default 1', flags.threads)
  .option('--seed <n>', 'of batches, adapters and intervals; default 7', wholeNumber(0).optional())
  .option(
    '--out <dir>',
    'where report and results go; default bifocal-study',
    z.string().min(1, 'expected a folder').optional(),
  )
  .action(async (flagged, io) => {
    const { out = 'bifocal-study', controls, extraMask, plan, weights, extras, ...rest } = flagged
    if (plan === 'paper') return await paper({ ...rest, controls, extraMask }, { out, weights, extras }, io)
    for (const [flag, value] of Object.entries({ weights, extras })) {
      if (value === undefined || value === false) continue
      throw new UsageError('arguments', {
        message: `--${flag} without --plan paper`,
        hint: `Only the plan paper has --${flag}.`,
      })
    }
    const given = { ...rest, plan }
    const untuned = { steps: given.steps, rank: given.rank, controls }
    for (const [flag, value] of Object.entries(untuned)) {
      if (given.tune !== false || value === undefined) continue
      throw new UsageError('arguments', {
        message: `--${flag} with --no-tune`,
        hint: `--${flag} is for tunings: give one of the two.`,
      })
    }
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
      extraMasks: extraMask?.filter((mask) => mask !== 'none'),
      out,
      argv: process.argv.slice(2),
      signal: io.signal,
      onProgress: io.progress,
      onEstimate: io.say,
      warn: io.warn,
    })
    const failed = results.criteria.filter(({ passed }) => !passed)
    io.print(scoreTable(results, { width: io.width, color: io.color }), results)
    io.say(`\n${results.finding.sentence}`)
    for (const { sentence } of results.pairs?.comparisons.slice(1) ?? []) io.say(sentence)
    io.say(
      `criteria: ${results.criteria.length - failed.length} of ${results.criteria.length} ` +
        `met${failed.length > 0 ? '; the report names the others' : ''}`,
    )
    io.say(`report: ${written.html}\nresults: ${written.results}`)
    return 0
  })

/** Flags that the plan sets itself: a seed is part of its design. */
const SET_BY_PAPER = ['models', 'tune', 'extraMask', 'blockSize', 'controls', 'device', 'dtype', 'seed']

/** The plan `paper`: runs over seeds, a table of factors. */
async function paper(
  given: Readonly<Record<string, unknown>> & {
    tasks?: string[]
    steps?: number
    rank?: number
    threads?: number
  },
  { out, weights, extras }: { out: string; weights?: string; extras?: boolean },
  io: CommandIo,
): Promise<CommandResult> {
  const refused = SET_BY_PAPER.find(
    (flag) => flag in given && given[flag] !== undefined && given[flag] !== true,
  )
  if (refused !== undefined) {
    throw new UsageError('arguments', {
      message: `--${refused.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} with --plan paper`,
      hint: 'The plan names its models, seeds and masks itself; --weights says where the models are.',
    })
  }
  const { runPaper } = await import('../../measuring/study/paper/paper.ts')
  const { tasks, steps, rank, threads } = given
  const results = await runPaper({
    out,
    weights: weights ?? join('.bifocal', 'weights'),
    extras,
    tasks,
    steps,
    rank,
    threads,
    signal: io.signal,
    onProgress: io.progress,
    warn: io.warn,
  })
  io.print(results.sentences.join('\n'), results)
  io.say(`tables: ${join(out, 'paper.md')}\nresults: ${join(out, 'paper.json')}`)
  return 0
}
