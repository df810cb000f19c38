/**
 * @file Whether models of published size open and run on a 24 GiB machine. Makes a checkpoint with
 * the true configuration, tensors and files of `lavida` (8B), `mmada` (8B) or `qwen2-vl` (2B),
 * bf16, as sparse files: a few numbers are planted in every layer, all else is holes that take no
 * disk. One item, a picture with a question, is embedded in low-memory mode; the vector must be the
 * one worked out by hand from what is planted. Linux; the folder's file system must know holes.
 *
 *     npx tsc -p tsconfig.scripts.json
 *     node .bifocal/scripts/scripts/full-size.js lavida
 *       [--text] [--layers N] [--scale N] [--threads N] [--dir DIR]
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
import { lavidaLayout } from './full-size/lavida.ts'
import type { Layout, Size } from './full-size/layout.ts'
import { mmadaLayout } from './full-size/mmada.ts'
import { qwen2VlLayout } from './full-size/qwen2-vl.ts'
import { type Compared, compare, type Measured, measure, peakResident, TOLERANCE } from './full-size/trial.ts'
import { endWith } from './outcome.ts'

const layouts: Readonly<Record<string, (size: Size) => Layout>> = {
  lavida: lavidaLayout,
  mmada: mmadaLayout,
  'qwen2-vl': qwen2VlLayout,
}

/** Seconds, bytes. */
const LONGEST_LOAD = 10
const MOST_RESIDENT = 20 * 2 ** 30

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: 'boolean', default: false },
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

await endWith(async () => {
  const layout = layoutOf(positionals[0])
  const dir = resolve(values.dir, layout.name)
  // Weights are mapped by way of hard links, which do not cross file systems.
  process.env.BIFOCAL_CACHE ??= join(resolve(values.dir), 'cache')
  try {
    const written = await writeCheckpoint(dir, layout, !values.text)
    const parameters = layout.tensors.reduce(
      (sum, { dims }) => sum + dims.reduce((size, dim) => size * dim, 1),
      0,
    )
    console.log(`${layout.name}: ${layout.tensors.length} tensors, ${parameters} parameters, bf16`)
    const measured = await measure(
      dir,
      written,
      values.threads === undefined ? undefined : Number(values.threads),
    )
    const resident = await peakResident()
    const result = { ...measured, ...(await compare(dir, layout, written, measured.vector)) }
    print(result, {
      positions: written.item.inputIds.length,
      operations: layout.operations(written.item),
      resident,
    })
    const found = problems(result, resident, values.layers === undefined && values.scale === '1')
    for (const problem of found) console.error(`failed: ${problem}`)
    return found.length > 0 ? 4 : 0
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
