/** @file `bifocal tune`: pairs in, an embedder folder out. */

import { z } from 'zod'
import type { TuneProgress } from '../../learning/tuning/job/job.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'
import { flaggedSettings, flagOf } from '../tune-settings.ts'

/** One text, or a list of several. */
const texts = z
  .array(z.string())
  .transform((list) => (list.length === 1 ? list[0] : list))
  .optional()

/**
 * A lone ending of paths stays a list: PEFT takes a lone text for a regular expression of the whole
 * path, which no ending matches.
 */
const targets = texts.transform((given) =>
  typeof given === 'string' && /^[\w.]+$/.test(given) && !isNamedSet(given) ? [given] : given,
)

function isNamedSet(given: string): boolean {
  return ['decoder', 'vlm2vec', 'all-linear'].includes(given.toLowerCase())
}

export const tune = command(
  'tune [model]',
  'Make an embedder of a vision-language model, from your own pairs',
)
  .option(
    '--data <paths...>',
    'pairs: .jsonl, .csv, .tsv, .parquet, a folder of classes, an MMEB-train folder',
  )
  .option('--out <dir>', 'the embedder folder to write; a stopped run goes on')
  .option('--config <file>', 'settings in YAML or JSON; flags win')
  .option(
    '--recipe <name>',
    'vlm2vec, diffembed or bifocal: published settings, for all that is not given',
    flags.recipe,
  )
  .option('--print-config', 'print all settings, and stop: the output can be given to --config')
  .option('--dry-run', 'print the plan with memory and time foretold, and stop')
  .option(
    '--format <name>',
    'of --data: jsonl, csv, parquet, folder, mmeb or swift; default: found',
    flags.pairFormat,
  )
  .option('--images <path>', "folder or zip that pictures' paths of --data are relative to")
  .option('--limit <n>', 'the first rows of each --data only', flags.count)
  .option('--instruction <text...>', 'of queries; several are paraphrases, one drawn for each row', texts)
  .option('--target-instruction <text...>', 'of targets', texts)
  .option('--dev <paths...>', 'pairs to choose the best update by, instead of a share of --data')
  .option('--dev-share <n>', 'share of pairs that no update sees; default 0.05', flags.number)
  .option('--dev-every <n>', 'updates between evaluations; default a twentieth of all', flags.count)
  .option('--patience <n>', 'stop after so many evaluations without a better score', flags.count)
  .option('--keep <which>', 'write the best update, or the last; default best', flags.keep)
  .option('--preset <name>', 'prompt and readout of a published embedder, or none', flags.preset)
  .option('--attention <kind>', 'native, causal, bidirectional or block', flags.attention)
  .option('--block-size <n>', 'positions of a block, for attention by blocks', flags.count)
  .option('--pool <kind>', 'how positions become one vector: last, mean, …', flags.pool)
  .option('--dims <n>', 'leading elements that the embedder gives', flags.count)
  .option('--max-length <n>', 'positions of an item', flags.count)
  .option(
    '--truncate <kind>',
    'too long an item: error (its pair is left out), or reference (cut)',
    flags.truncation,
  )
  .option('--max-pixels <n>', 'larger pictures are made smaller', flags.count)
  .option('--train <part>', 'lora, or all: the decoder itself; default lora', flags.trained)
  .option('--rank <n>', 'of the low-rank updates; default 16', flags.count)
  .option('--alpha <n>', 'their scale is alpha / rank; default twice the rank', flags.number)
  .toggle('--rslora', 'scale by alpha / √rank')
  .toggle('--dora', 'also train the length of each row')
  .option('--dropout <n>', 'of the inputs of the updates; default 0', flags.number)
  .option(
    '--targets <names...>',
    'decoder (default), decoder+projector, vlm2vec, a regular expression, or ends of names',
    targets,
  )
  .option('--modules-to-save <names...>', 'modules to train whole, by the ends of their names')
  .option('--loss <name>', 'infonce or sigmoid; default infonce', flags.lossName)
  .option('--temperature <n>', 'default 0.02', flags.number)
  .toggle('--symmetric', 'also from targets to queries')
  .option(
    '--false-negatives <rule>',
    'mask (default) or keep targets equal to a query’s own',
    flags.falseNegatives,
  )
  .option(
    '--teacher-margin <n>',
    "a hard negative leaves that a teacher scores above the target's score minus this",
    flags.number.transform((teacher) => (teacher === undefined ? undefined : { teacher })),
  )
  .option(
    '--matryoshka <sizes>',
    'leading dimensions that serve alone: 64,128,256',
    flags.sizes.transform((dims) => dims && { dims }),
  )
  .option('--hard-negatives <n>', 'of a pair in a batch, at most; default all', wholeNumber(0).optional())
  .option('--batch-size <n>', 'pairs that are negatives of each other; default 64', flags.count)
  .option('--sub-batch <n>', 'pairs of one source side by side', flags.count)
  .option('--accumulate <n>', 'batches of an update; default 1', flags.count)
  .option('--chunk-tokens <n>', 'positions that run at once: the knob of memory', flags.count)
  .option('--optimizer <name>', 'adamw or muon; default adamw', flags.optimizer)
  .option('--learning-rate <n>', 'peak; default 1e-4', flags.number)
  .option('--weight-decay <n>', 'default 0', flags.number)
  .option('--schedule <kind>', 'linear, cosine or constant; default linear', flags.schedule)
  .option('--warmup <n>', 'updates, or a share below 1; default 0.1', flags.number)
  .option('--steps <n>', 'updates', flags.count)
  .option('--epochs <n>', 'times that all pairs are seen; default 1', flags.number)
  .option('--clip <n>', 'largest norm of the gradients; default 1', flags.number)
  .option('--seed <n>', 'default 7', wholeNumber(0).optional())
  .toggle('--random-decoder', 'the control: tune a random decoder behind the same tower')
  .toggle('--strict', 'stop at the first pair that cannot be read')
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--dtype <dtype>', 'f32 or f16, of frozen weights and of the written embedder', flags.trainedDtype)
  .option('--memory <mode>', 'fast, or low: 16-bit weights stay on the disk; slower', flags.memory)
  .toggle('--recompute', 'keep less of each layer for the backward pass; slower')
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .option('--save-every <n>', 'updates between snapshots; default 50', flags.count)
  .toggle('--tensorboard', 'also write event files')
  .action(async (given, io) => {
    const sources = { config: given.config, given: flaggedSettings(given), spelled: flagOf }
    if (given.printConfig) return await printConfig(sources, io)
    const [{ settingsFrom }, { planTuning, runJob }, { planWords, resultWords }] = await Promise.all([
      import('../../learning/tuning/job/given.ts'),
      import('../../learning/tuning/job/job.ts'),
      import('../../learning/tuning/job/words.ts'),
    ])
    const settings = await settingsFrom(sources)
    const options = {
      signal: io.signal,
      warn: io.warn,
      onProgress: (at: TuneProgress) => io.progress(at),
      onDownload: (at: Parameters<typeof inMegabytes>[0]) => io.progress(inMegabytes(at)),
    }
    if (given.dryRun) {
      const plan = await planTuning(settings, options)
      io.print(planWords(plan), plan)
      return 0
    }
    const { record, written } = await runJob(settings, {
      ...options,
      onPlan: (plan) => io.say(planWords(plan)),
      onResume: (update) => io.say(`goes on after update ${update}`),
    })
    io.print(resultWords(record), record)
    io.say(`embedder: ${written}`)
    return 0
  })

async function printConfig(
  sources: { config: string | undefined; given: Record<string, unknown>; spelled: typeof flagOf },
  io: CommandIo,
): Promise<0> {
  const [{ printableSettings }, { stringify }] = await Promise.all([
    import('../../learning/tuning/job/given.ts'),
    import('yaml'),
  ])
  const settings = await printableSettings(sources)
  io.print(stringify(settings).trimEnd(), settings)
  return 0
}
