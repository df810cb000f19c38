/** @file `bifocal gates`: whether the shipped models clear the bars that a comparison needs. */

import { join } from 'node:path'
import { command } from '../command.ts'
import * as flags from '../flags.ts'

export const gates = command('gates', 'Measure the gates of tower and twins; exit 4 where one is missed')
  .option('--models <dir>', 'holds tower, twin-ar and twin-diffusion; default: the shipped ones')
  .option('--quick', 'leave out the tunings of twins and random decoders')
  .option('--cards', 'put the figures into the model cards')
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .option('--out <dir>', 'keeps the tunings; default .bifocal/gates')
  .action(async ({ models, quick, cards, threads, out = join('.bifocal', 'gates') }, io) => {
    const [{ runGates }, { gateTable }] = await Promise.all([
      import('../../measuring/study/gates.ts'),
      import('../../learning/pretraining/gates.ts'),
    ])
    const found = await runGates({
      models,
      quick,
      cards,
      threads,
      out,
      signal: io.signal,
      onProgress: io.progress,
      warn: io.warn,
    })
    const missed = found.filter(({ passed }) => !passed)
    io.print(gateTable(found), { gates: found, passed: missed.length === 0 })
    io.say(`gates: ${found.length - missed.length} of ${found.length} met`)
    return missed.length === 0 ? 0 : 4
  })
