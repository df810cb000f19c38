/** @file `bifocal mine`: hard negatives for pairs. */

import { z } from 'zod'
import type { MinedFile } from '../../learning/mining/mine.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command, wholeNumber } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'

const number = z
  .string()
  .regex(/^-?(\d+\.?\d*|\.\d+)$/, 'expected a number')
  .transform(Number)

export const mine = command('mine <pairs>', 'Find hard negatives: near targets that are wrong answers')
  .option('--model <model>', 'embeds queries and targets; as embed takes it', z.string({ error: 'name one' }))
  .option('--out <file>', 'JSON lines to write, which tune reads', z.string({ error: 'name a file' }))
  .option('--negatives <n>', 'negatives of a pair, at most; default 3', flags.count)
  .option('--from <rank>', 'first rank among the nearest wrong targets, from 1; default 1', flags.count)
  .option('--to <rank>', 'last rank; default: ten times the negatives', flags.count)
  .option(
    '--margin <cosine>',
    "a negative's similarity is at least so much below that of the pair's own target",
    number.optional(),
  )
  .option(
    '--relative-margin <share>',
    'the same as a share of that similarity, or none; default 0.05 where no --margin is given',
    z
      .union([z.literal('none').transform(() => null), number], { error: 'expected a number, or "none"' })
      .optional(),
  )
  .option('--min-score <cosine>', 'least similarity of a negative', number.optional())
  .option('--max-score <cosine>', 'largest similarity of a negative', number.optional())
  .option('--sample <how>', 'top: the nearest ones, or random: a draw; default top', flags.sample)
  .option('--seed <n>', 'of the draw; default 7', wholeNumber(0).optional())
  .option('--instruction <text>', 'for queries that bring none')
  .option('--target-instruction <text>', 'for targets that bring none')
  .option('--images <folder>', "folder of the pictures that the pairs name; default: the file's own")
  .option('--limit <n>', 'use the first N pairs', flags.count)
  .option(
    '--vectors <dir>',
    'keep vectors there, for this and other runs; default: beside the result, removed at the end',
  )
  .option(
    '--preset <name>',
    'prompt and readout of a published embedder; default: by the name of the model; or none',
    flags.preset,
  )
  .option('--adapter <adapter>', 'a PEFT adapter: a folder, or ORG/NAME[@REVISION]; or none')
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--dtype <dtype>', 'f32, f16 or int8', flags.dtype)
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .option('--memory <mode>', 'fast, or low: half the memory of f16 weights, slower', flags.memory)
  .option('--strict', 'stop at the first pair that cannot be read instead of leaving it out')
  .action(async (given, io) => {
    const { pairs, model, out, instruction, targetInstruction, images, limit } = given
    const { preset, adapter, device, dtype, threads, memory } = given
    const { negatives, from, to, margin, relativeMargin, minScore, maxScore, sample, seed } = given
    const { vectors, strict } = given
    const [{ Embedder }, { mineFile }] = await Promise.all([
      import('../../models/embedder/embedder.ts'),
      import('../../learning/mining/mine.ts'),
    ])
    const embedder = await Embedder.load(model, {
      preset,
      adapter,
      device,
      dtype,
      threads,
      memory,
      warn: io.warn,
      signal: io.signal,
      onDownload: (at) => io.progress(inMegabytes(at)),
    })
    try {
      const data = { path: pairs, instruction, targetInstruction, images, limit }
      const made = await mineFile(embedder, data, {
        ...{ out, negatives, from, to, margin, relativeMargin, minScore, maxScore, sample, seed },
        ...{ vectors, strict, threads, signal: io.signal, onProgress: io.progress, warn: io.warn },
      })
      tell(made, io)
      return 0
    } finally {
      await embedder.close()
    }
  })

function tell(made: MinedFile, io: CommandIo): void {
  const { pairs, negatives, queries, targets, similarity, short, without, left, resumed } = made
  if (resumed > 0) io.say(`${resumed} vectors of an earlier run were used`)
  for (const { row, code, message } of left.first)
    io.warn(`pair ${row + 1} was left out [${code}]: ${message}`)
  if (left.pairs > left.first.length) io.warn(`${left.pairs - left.first.length} more were left out`)
  if (short > 0) {
    io.warn(
      `${short} of ${pairs} pairs have fewer negatives than wanted, ${without} of them none: ` +
        'widen the window (--to), or lower the margin',
    )
  }
  const near =
    similarity.negatives === null ? '' : `, with their negatives ${similarity.negatives.toFixed(3)}`
  io.say(
    `${queries} queries, ${targets} targets; mean cosine of queries with their targets ` +
      `${similarity.target.toFixed(3)}${near}`,
  )
  io.print(`${pairs} pairs with ${negatives} negatives → ${made.out}`, made)
}
