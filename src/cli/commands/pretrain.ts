/** @file `bifocal pretrain`: makes the shipped tower and twins. */

import { join } from 'node:path'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'

export const pretrain = command(
  'pretrain <name>',
  'Train the image tower or a twin from nothing, or go on with it',
)
  .option('--steps <n>', 'updates; default: those of the recipe', flags.count)
  .option(
    '--seed <n>',
    'of initial values, samples and masks; default: that of the recipe',
    wholeNumber(0).optional(),
  )
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .option('--work <dir>', 'snapshots and logs; default .bifocal/pretraining')
  .option(
    '--pictures <dir>',
    'the tower or image tokenizer of a twin, a folder or bifocal:NAME; default models/tower and the like',
  )
  .option(
    '--from <dir>',
    'the twin that twin-adapted goes on from, a folder or bifocal:NAME; default models/twin-ar',
  )
  .option('--out <dir>', 'the model folder; default models/NAME')
  .action(
    async (
      { name, work = join('.bifocal', 'pretraining'), pictures, from, out, threads, steps, seed },
      io,
    ) => {
      const [
        { pretrain: run, pictureModelOf },
        { gateTable },
        { shippedByName, shippedData },
        { defaultThreads },
      ] = await Promise.all([
        import('../../learning/pretraining/pretrain.ts'),
        import('../../learning/pretraining/gates.ts'),
        import('../../foundation/files/shipped.ts'),
        import('../../engine/runtime/threads.ts'),
      ])
      const placeOf = (folder: string) => shippedByName(folder) ?? folder
      const found = await run(name, {
        data: shippedData(),
        work,
        pictures: placeOf(pictures ?? join('models', pictureModelOf(name))),
        from: placeOf(from ?? join('models', 'twin-ar')),
        out: out ?? join('models', name),
        threads: threads ?? defaultThreads(),
        steps,
        seed,
        signal: io.signal,
        warn: io.warn,
        onProgress: io.progress,
      })
      io.print(`${gateTable(found.gates)}\n\n${name} after ${found.steps} steps → ${found.dir}`, found)
      return 0
    },
  )
