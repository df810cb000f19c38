/** @file `bifocal study`: the main job, models in, report out. */

import { join } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { checkpointStudy } from '../checkpoint-study.ts'
import { type CommandResult, command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'
import { TASK_WORDS, withRowFlags, withTaskFlags } from '../task-flags.ts'

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

const PLANS = ['quick', 'full', 'pairs', 'paper', 'checkpoints'] as const

const own = command('study', 'Tune models, measure them, explain the difference, write a report')
  .option(
    '--models <models...>',
    'models as embed takes them: folders, ORG/NAME[@REVISION], bifocal:NAME; default: the shipped twins and their tower',
  )
  .option(
    '--tasks <words...>',
    `embedded tasks, default all: ${TASKS.join(', ')}; plan checkpoints: ${TASK_WORDS}`,
  )
  .option(
    '--plan <name>',
    'quick (minutes), full (hours), pairs (models of one base, mask by mask), paper (twins over seeds), checkpoints (any models on any tasks); default: checkpoints where --data or other tasks than embedded ones are named, else quick',
    z.enum(PLANS, { error: `expected one of ${PLANS.join(', ')}` }).optional(),
  )
  .option('--data <paths...>', 'plan checkpoints: pairs that models are tuned with, as tune reads them')
  .option(
    '--recipe <name>',
    'plan checkpoints: published settings of tuning: vlm2vec, diffembed or bifocal',
    flags.recipe,
  )
  .option('--tune-config <file>', 'plan checkpoints: settings of tuning, as tune --config has them')
  .option('--dry-run', 'plan checkpoints: tell what would be done and how long it would take')
  .option('--weights <dir>', 'plan paper: holds SEED/NAME for each twin; default .bifocal/weights')
  .option(
    '--records <files...>',
    'plan paper: paper.json of earlier studies, whose runs stand for those of twins that are not there',
  )
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
  .option('--pool <kind>', 'plan checkpoints: how positions become one vector: last, mean, …', flags.pool)
  .option('--attention <kind>', 'plan checkpoints: native, causal, bidirectional or block', flags.attention)
  .option(
    '--preset <name>',
    'plan checkpoints: prompt and readout of a published embedder, or none',
    flags.preset,
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

export const study = withRowFlags(withTaskFlags(own)).action(async (flagged, io) => {
  const { subset, images, kind, columns, instruction, targetInstruction, split } = flagged
  const { baselines, limit, stray, maxProblems, strict, pool, attention, preset } = flagged
  const { data, recipe, tuneConfig, dryRun } = flagged
  const reading = { subset, images, kind, columns, instruction, targetInstruction, split }
  const scoring = { ...reading, baselines, limit, stray, maxProblems, strict, pool, attention, preset }
  const { out = 'bifocal-study', controls, extraMask, models, tasks: words } = flagged
  const { weights, records, extras } = flagged
  const { steps, tune, blockSize, rank, device, dtype, threads, seed } = flagged
  const plan = flagged.plan ?? (isForCheckpoints(words, data) ? 'checkpoints' : undefined)
  if (plan === 'checkpoints') {
    const others = { extraMask, blockSize, controls, weights, records, extras }
    refuse(others, 'with --plan checkpoints', OTHER_PLANS)
    const tuning = { data, recipe, tuneConfig, steps, rank, tune }
    checkTuning(tuning)
    const asked = { ...scoring, models, tasks: words ?? ['embedded'], device, dtype, threads, seed }
    return await checkpointStudy({ out, dryRun, tuning, scoring: asked }, io)
  }
  refuse({ ...scoring, data, recipe, tuneConfig, dryRun }, 'without --plan checkpoints', ONLY_CHECKPOINTS)
  const tasks = words?.includes('embedded') ? undefined : words
  const rest = { models, tasks, steps, tune, blockSize, rank, device, dtype, threads, seed }
  if (plan === 'paper')
    return await paper({ ...rest, controls, extraMask }, { out, weights, records, extras }, io)
  refuse({ weights, records, extras }, 'without --plan paper', 'Only the plan paper has this flag.')
  checkTuning({ steps, rank, controls, tune })
  const given = { ...rest, plan }
  const [{ runStudy }, { scoreTable }, { answerLines }] = await Promise.all([
    import('../../measuring/study/study.ts'),
    import('../../measuring/report/table.ts'),
    import('../../measuring/report/factor-words.ts'),
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
  io.say(`\n${answerLines(results).join('\n')}`)
  for (const { sentence } of results.pairs?.comparisons.slice(1) ?? []) io.say(sentence)
  io.say(
    `criteria: ${results.criteria.length - failed.length} of ${results.criteria.length} ` +
      `met${failed.length > 0 ? '; the report names the others' : ''}`,
  )
  io.say(`report: ${written.html}\nresults: ${written.results}`)
  return 0
})

const ONLY_CHECKPOINTS = 'Only the plan checkpoints has this flag; --data and tasks of your own choose it.'
const OTHER_PLANS = 'The plan checkpoints runs any models as they are and tuned, and has no such flag.'

/** Whether tasks or pairs were named that no other plan has. */
function isForCheckpoints(
  words: readonly string[] | undefined,
  data: readonly string[] | undefined,
): boolean {
  return data !== undefined || (words ?? []).some((word) => word !== 'embedded' && !TASKS.includes(word))
}

/** @throws UsageError `usage/arguments` for the first flag that was given */
function refuse(given: Readonly<Record<string, unknown>>, where: string, hint: string): void {
  const found = Object.entries(given).find(([, value]) => value !== undefined && value !== false)
  if (found === undefined) return
  throw new UsageError('arguments', { message: `${spelled(found[0])} ${where}`, hint })
}

function spelled(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Flags of tunings that contradict each other. @throws UsageError `usage/arguments` */
function checkTuning({
  tune,
  ...tunings
}: Readonly<Record<string, unknown>> & { tune: 'lora' | 'all' | false | undefined }): void {
  if (tune === false) refuse(tunings, 'with --no-tune', 'The flag is for tunings: give one of the two.')
  if (tune === 'all')
    refuse(
      { rank: tunings.rank },
      'with --tune all',
      'Only low-rank updates have a rank: give one of the two.',
    )
}

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
  { out, weights, records, extras }: { out: string; weights?: string; records?: string[]; extras?: boolean },
  io: CommandIo,
): Promise<CommandResult> {
  const refused = SET_BY_PAPER.find(
    (flag) => flag in given && given[flag] !== undefined && given[flag] !== true,
  )
  if (refused !== undefined) {
    throw new UsageError('arguments', {
      message: `${spelled(refused)} with --plan paper`,
      hint: 'The plan names its models, seeds and masks itself; --weights says where the models are.',
    })
  }
  const { runPaper } = await import('../../measuring/study/paper/paper.ts')
  const { tasks, steps, rank, threads } = given
  const results = await runPaper({
    out,
    weights: weights ?? join('.bifocal', 'weights'),
    records,
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
