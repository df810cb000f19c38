/** @file `bifocal drift`: how far two sets of vectors of one model are apart. */

import { z } from 'zod'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'

const cosine = flags.number.refine((value) => value === undefined || (value >= -1 && value <= 1), {
  error: 'expected a cosine from -1 to 1',
})
const share = flags.number.refine((value) => value === undefined || (value >= 0 && value <= 1), {
  error: 'expected a share from 0 to 1',
})
const tolerance = flags.number.refine((value) => value === undefined || value > 0, {
  error: 'expected a number above 0',
})

export const drift = command(
  'drift <a> <b>',
  'Compare two sets of vectors of one model: cosines, lost neighbours, the first stage that differs',
)
  .option('--name <name>', 'the tensor, column, key or readout that holds the vectors', z.string().optional())
  .option('--common', 'compare the items of both, where the sets hold different ones')
  .option('--k <n>', 'neighbours of an item; default 10', flags.count)
  .option('--sample <n>', 'items whose neighbours are compared; default 2000', flags.count)
  .option('--worst <n>', 'items that are listed; default 10', wholeNumber(0).optional())
  .option('--seed <n>', 'of the sample and the interval; default 0', wholeNumber(0).optional())
  .option(
    '--model <model>',
    'a model with golden vectors: verifies it, and names the first stage that differs',
  )
  .option('--tolerance <x>', 'of golden vectors in two recordings; default 1e-5', tolerance)
  .option('--min-cosine <x>', 'exit 4 where the cosine of an item is lower', cosine)
  .option('--min-kept <share>', 'exit 4 where a smaller share of neighbours is kept', share)
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .action(async ({ a, b, name, model, minCosine, minKept, ...options }, io) => {
    const [{ driftOf }, { driftGates }, { driftWords }] = await Promise.all([
      import('../../measuring/benchmark/drift/open.ts'),
      import('../../measuring/benchmark/drift/gates.ts'),
      import('../../measuring/benchmark/drift/words.ts'),
    ])
    const { drift: found, stages } = await driftOf(a, b, {
      ...options,
      name,
      model,
      signal: io.signal,
      warn: io.warn,
      onDownload: (at) => io.progress(inMegabytes(at)),
    })
    const gates = driftGates(found, { minCosine, minKept })
    io.print(driftWords(found, stages, gates), { ...found, stages: stages ?? null, gates })
    return gates.every(({ passed }) => passed) ? 0 : 4
  })
