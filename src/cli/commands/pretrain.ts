/** @file `bifocal pretrain`: makes the shipped tower and twins. */

import { availableParallelism } from 'node:os'
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
  .option('--threads <n>', 'default: as many as the machine has', flags.threads)
  .option('--work <dir>', 'snapshots and logs; default .bifocal/pretraining')
  .option('--tower <dir>', "a twin's tower, a folder or bifocal:tower; default models/tower")
  .option('--out <dir>', 'the model folder; default models/NAME')
  .action(
    async (
      {
        name,
        work = join('.bifocal', 'pretraining'),
        tower = join('models', 'tower'),
        out,
        threads = availableParallelism(),
        steps,
        seed,
      },
      io,
    ) => {
      const [{ pretrain: run }, { gateTable }, { shippedByName, shippedData }] = await Promise.all([
        import('../../learning/pretraining/pretrain.ts'),
        import('../../learning/pretraining/gates.ts'),
        import('../../foundation/files/shipped.ts'),
      ])
      const found = await run(name, {
        data: shippedData(),
        work,
        tower: shippedByName(tower) ?? tower,
        out: out ?? join('models', name),
        threads,
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
