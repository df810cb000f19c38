/**
 * @file Whether models of published size open and run on a 24 GiB machine. Makes a checkpoint with
 * the true configuration, tensors and files of `lavida` (8B), `mmada` (8B), `qwen2-vl` (2B),
 * `diffusionvl` (3B), `dream-vl` (7B), `dimple` (7B), `sdar-vl` (4B) or `omni-diffusion` (7B),
 * bf16, as sparse files: a few numbers are planted in every layer, all else is holes that take no
 * disk. One item, a picture with a question, is embedded in low-memory mode; the vector must be the
 * one worked out by hand from what is planted. Linux; the folder's file system must know holes.
 *
 *     npx tsc -p tsconfig.scripts.json
 *     node .bifocal/scripts/scripts/full-size.js lavida
 *       [--text | --tune [--recompute]] [--layers N] [--scale N] [--threads N] [--dir DIR]
 *
 * `--tune` tunes instead: two steps of rank 8 on all linear layers of the decoder, two pairs made
 * of two short texts. The first loss must be the one by hand, and the second must have changed as
 * the gradients of the first step foretell. `--recompute` computes layers anew in the backward
 * pass.
 *
 * For a quick trial: `--text` asks without a picture, which is a small part of the work and still
 * reads every weight of the decoder; `--layers` and `--scale` (what widths are divided by) make
 * less of the model: `--layers 2 --scale 8` takes seconds. Exit code 4 when the vector differs, a
 * planted number has no effect, or, at true size, opening takes 10 s or more, or more than 20 GiB
 * were resident.
 */

import { rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BifocalError } from '../src/foundation/numeric/errors.ts'
import { writeCheckpoint } from './full-size/checkpoint.ts'
import { diffusionVlLayout } from './full-size/diffusionvl.ts'
import { dimpleLayout, dreamVlLayout } from './full-size/dream.ts'
import { lavidaLayout } from './full-size/lavida.ts'
import type { Layout, Size } from './full-size/layout.ts'
import { mmadaLayout } from './full-size/mmada.ts'
import { omniDiffusionLayout } from './full-size/omni-diffusion.ts'
import { qwen2VlLayout } from './full-size/qwen2-vl.ts'
import { sdarVlLayout } from './full-size/sdar-vl.ts'
import { type Compared, compare, type Measured, measure, peakResident, TOLERANCE } from './full-size/trial.ts'
import { TEXTS, type TunedSteps, tuneSteps } from './full-size/tuning.ts'
import { endWith } from './outcome.ts'

const layouts: Readonly<Record<string, (size: Size) => Layout>> = {
  lavida: lavidaLayout,
  mmada: mmadaLayout,
  'qwen2-vl': qwen2VlLayout,
  diffusionvl: diffusionVlLayout,
  'dream-vl': dreamVlLayout,
  dimple: dimpleLayout,
  'sdar-vl': sdarVlLayout,
  'omni-diffusion': omniDiffusionLayout,
}

/** Seconds, bytes. */
const LONGEST_LOAD = 10
const MOST_RESIDENT = 20 * 2 ** 30

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: 'boolean', default: false },
    tune: { type: 'boolean', default: false },
    recompute: { type: 'boolean', default: false },
    layers: { type: 'string' },
    scale: { type: 'string', default: '1' },
    threads: { type: 'string' },
    dir: { type: 'string', default: '.bifocal/full-size' },
  },
})

function layoutOf(name: string | undefined): Layout {
  const make = name === undefined ? undefined : layouts[name]
  if (make !== undefined)
    return make({
      layers: values.layers === undefined ? undefined : Number(values.layers),
      scale: Number(values.scale),
    })
  throw new BifocalError('full-size/layout', {
    message: `no layout is called ${name}`,
    hint: `One a run, so that the peak of memory is its own: ${Object.keys(layouts).join(', ')}.`,
  })
}

interface Work {
  positions: number
  /** Floating-point operations of the item. */
  operations: number
  /** Bytes at the peak. */
  resident: number | undefined
}

/** Problems of a trial, in words. @param whole whether this is the true size */
function problems(
  { load, difference, effects }: Measured & Compared,
  resident: number | undefined,
  whole: boolean,
): string[] {
  const found: string[] = []
  if (!(difference <= TOLERANCE))
    found.push(`the vector differs from the one by hand by ${difference.toExponential(1)}`)
  for (const { at, change } of effects) if (change < 10 * TOLERANCE) found.push(`${at.name} has no effect`)
  if (whole && load.elapsed >= LONGEST_LOAD) found.push(`opening took ${load.elapsed.toFixed(1)} s`)
  if (whole && (resident ?? 0) > MOST_RESIDENT) found.push(`${gib(resident)} were resident`)
  return found
}

function print(
  { load, item, difference, effects }: Measured & Compared,
  { positions, operations, resident }: Work,
): void {
  console.log(
    `opened in ${load.elapsed.toFixed(1)} s (allowed ${LONGEST_LOAD}), ${load.busy.toFixed(1)} s of processor time`,
  )
  console.log(
    `one item of ${positions} positions in ${item.elapsed.toFixed(1)} s, ${item.busy.toFixed(1)} s of processor time: ` +
      `${(operations / item.elapsed / 1e9).toFixed(0)} GFLOP/s (${(operations / 1e12).toFixed(2)} TFLOP)`,
  )
  console.log(`peak resident ${gib(resident)} (allowed ${gib(MOST_RESIDENT)}), mapped weights included`)
  console.log(
    `largest difference from the vector by hand: ${difference.toExponential(1)} (allowed ${TOLERANCE})`,
  )
  const [first, middle, last, ...far] = effects
  for (const { where, at, change } of [first!, middle!, last!, ...far.slice(0, 1)])
    console.log(
      `  ${where}: ${at.name}, ${basename(at.file)} byte ${at.offset}; without it an element changes by ${change.toExponential(1)}`,
    )
  console.log(`  ${far.length} planted tensors begin past 4 GiB of their file; each has its effect`)
}

function gib(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : `${(bytes / 2 ** 30).toFixed(2)} GiB`
}

async function embed(dir: string, layout: Layout, threads: number | undefined): Promise<string[]> {
  const written = await writeCheckpoint(dir, layout, !values.text)
  const measured = await measure(dir, written, threads)
  const resident = await peakResident()
  const result = { ...measured, ...(await compare(dir, layout, written, measured.vector)) }
  print(result, {
    positions: written.item.inputIds.length,
    operations: layout.operations(written.item),
    resident,
  })
  return problems(result, resident, values.layers === undefined && values.scale === '1')
}

/** Relative: of the first loss from the one by hand, and of its change from the one foretold. */
const LOSS_TOLERANCE = 1e-3
const CHANGE_TOLERANCE = 0.1

function tuningProblems(
  { losses: [first = Number.NaN, second = Number.NaN], byHand, foretold }: TunedSteps,
  resident: number | undefined,
): string[] {
  const found: string[] = []
  if (!(Math.abs(first - byHand) <= LOSS_TOLERANCE * byHand))
    found.push(`the first loss is ${first}, by hand it is ${byHand}`)
  if (!(Math.abs(second - first - foretold) <= CHANGE_TOLERANCE * Math.abs(foretold)))
    found.push(`the loss changed by ${second - first}, the gradients foretell ${foretold}`)
  if ((resident ?? 0) > MOST_RESIDENT) found.push(`${gib(resident)} were resident`)
  return found
}

function printTuning(
  { steps, losses: [first = 0, second = 0], byHand, foretold, positions, trained }: TunedSteps,
  resident: number | undefined,
): void {
  for (const [i, { elapsed, busy }] of steps.entries())
    console.log(
      `step ${i + 1} of ${positions} positions, ${trained} trained numbers: ` +
        `${elapsed.toFixed(1)} s, ${busy.toFixed(1)} s of processor time`,
    )
  console.log(`peak resident ${gib(resident)} (allowed ${gib(MOST_RESIDENT)}), mapped weights included`)
  console.log(`first loss ${first.toFixed(6)}, by hand ${byHand.toFixed(6)}`)
  console.log(
    `the first update changed the loss by ${(second - first).toExponential(3)}, ` +
      `its gradients foretell ${foretold.toExponential(3)}`,
  )
}

async function tune(dir: string, layout: Layout, threads: number | undefined): Promise<string[]> {
  const written = await writeCheckpoint(dir, layout, false, TEXTS)
  const tuned = await tuneSteps(dir, layout, written, { threads, recompute: values.recompute })
  const resident = await peakResident()
  printTuning(tuned, resident)
  return tuningProblems(tuned, resident)
}

await endWith(async () => {
  const layout = layoutOf(positionals[0])
  const dir = resolve(values.dir, layout.name)
  // Weights are mapped by way of hard links, which do not cross file systems.
  process.env.BIFOCAL_CACHE ??= join(resolve(values.dir), 'cache')
  const threads = values.threads === undefined ? undefined : Number(values.threads)
  try {
    const parameters = layout.tensors.reduce(
      (sum, { dims }) => sum + dims.reduce((size, dim) => size * dim, 1),
      0,
    )
    console.log(`${layout.name}: ${layout.tensors.length} tensors, ${parameters} parameters, bf16`)
    const found = values.tune ? await tune(dir, layout, threads) : await embed(dir, layout, threads)
    for (const problem of found) console.error(`failed: ${problem}`)
    return found.length > 0 ? 4 : 0
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
