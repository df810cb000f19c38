/** @file `bifocal merge`: an adapter into its base, or several adapters into one. */

import { z } from 'zod'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'

const weights = z
  .string()
  .transform((given) => given.split(',').map(Number))
  .refine((given) => given.every((value) => value > 0 && Number.isFinite(value)), {
    error: 'expected numbers above 0 with commas between, such as 2,1',
  })
  .optional()

export const merge = command(
  'merge <models...>',
  'Merge an adapter into its base model, as a checkpoint of its own; or join several adapters of one base into one',
)
  .option('--out <folder>', 'the folder to write, which must not exist yet')
  .option('--adapter <folder>', 'with one model: the adapter to merge into it')
  .option(
    '--method <method>',
    'with several: mean of their changes (default), or slerp between two, along the sphere',
    z.enum(['mean', 'slerp'], { error: 'expected mean or slerp' }).optional(),
  )
  .option('--weights <numbers>', 'with several: their shares, such as 2,1; default equal', weights)
  .option(
    '--rank <n>',
    'with several: of the updates; default the sum of theirs, which loses nothing',
    flags.count,
  )
  .action(async ({ models, out, adapter, method, weights: shares, rank }, io) => {
    if (out === undefined) throw wrong('no folder to write', 'Name it with --out FOLDER.')
    const [model, ...others] = models
    if (model !== undefined && others.length === 0) {
      if (method !== undefined || shares !== undefined || rank !== undefined)
        throw wrong(
          '--method, --weights and --rank are for joining several adapters, and one model is given',
          'Name two adapter folders at least, or leave these flags out.',
        )
      return await mergeOne(model, { out, adapter }, io)
    }
    if (adapter !== undefined)
      throw wrong(
        '--adapter is for one base model, and several adapters are given',
        'Name the adapters alone: bifocal merge A B --out FOLDER.',
      )
    const { mergeAdapters } = await import('../../models/embedder/merge/adapters.ts')
    const joined = await mergeAdapters(models, { out, method, weights: shares, rank, ...fetching(io) })
    const lost =
      joined.kept < 1
        ? `; in each module at least ${(100 * joined.kept).toFixed(1)} % of the change is kept`
        : ''
    io.print(`${out}: an adapter of ${joined.modules} modules, rank ${joined.rank}${lost}`, joined)
    return 0
  })

async function mergeOne(
  model: string,
  options: { out: string; adapter: string | undefined },
  io: CommandIo,
): Promise<0> {
  const { mergeModel } = await import('../../models/embedder/merge/checkpoint.ts')
  const merged = await mergeModel(model, { ...options, onProgress: io.progress, ...fetching(io) })
  io.print(`${options.out}: a checkpoint with ${merged.changed.length} weights changed`, merged)
  return 0
}

function fetching(io: CommandIo) {
  return {
    signal: io.signal,
    warn: io.warn,
    onDownload: (at: Parameters<typeof inMegabytes>[0]) => io.progress(inMegabytes(at)),
  }
}

function wrong(message: string, hint: string): UsageError {
  return new UsageError('arguments', { message, hint })
}
