/** @file `bifocal gates`: whether the shipped models clear the bars that a comparison needs. */

import { join } from 'node:path'
import { command } from '../command.ts'
import * as flags from '../flags.ts'

export const gates = command(
  'gates',
  'Measure the gates of tower and twins; exit 4 where tower, twin-ar or twin-diffusion misses one',
)
  .option('--models <dir>', 'holds tower, twin-ar and twin-diffusion; default: the shipped ones')
  .option('--quick', 'leave out the tunings of twins and random decoders')
  .option('--cards', 'put the figures into the model cards')
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .option('--out <dir>', 'keeps the tunings; default .bifocal/gates')
  .action(async ({ models, quick, cards, threads, out = join('.bifocal', 'gates') }, io) => {
    const [{ runGates }, { conditionsAmong, gateTable }] = await Promise.all([
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
    const met = (gates: typeof found) => gates.filter(({ passed }) => passed).length
    const conditions = conditionsAmong(found)
    const passed = met(conditions) === conditions.length
    io.print(gateTable(found), { gates: found, passed })
    const stated = found.filter((gate) => !conditions.includes(gate))
    const rest = stated.length === 0 ? '' : `; stated of others: ${met(stated)} of ${stated.length} met`
    io.say(`gates: ${met(conditions)} of ${conditions.length} met${rest}`)
    return passed ? 0 : 4
  })
