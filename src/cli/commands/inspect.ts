/**
 * @file `bifocal inspect`: what a model folder holds, how long its items will take here, and what
 * fewer bits would change.
 */

import { printable } from '../../foundation/files/printable.ts'
import { BifocalError, UsageError } from '../../foundation/numeric/errors.ts'
import type { Item } from '../../inputs/data/item.ts'
import type { TypicalForecast } from '../../learning/tuning/job/typical.ts'
import type { Estimate } from '../../models/embedder/estimate.ts'
import type { ImagePolicy } from '../../models/embedder/image-policy.ts'
import type { Inspection } from '../../models/embedder/inspection.ts'
import type { PrecisionReport } from '../../models/embedder/precision.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { command } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'
import { itemsIn, requireTable, type TableFlags } from '../items.ts'

export const inspect = command(
  'inspect <model>',
  'Show family, tensors, memory and time of a model, and what fewer bits would change',
)
  .option('--precision', 'run it in f32, f16 and int8: cosines to f32 and ratios of speed')
  .option(
    '--items <path>',
    'for --precision, instead of built-in items: the first 64 of a file or folder, as `embed --input` reads it',
  )
  .option('--columns <names>', 'columns or keys to use, and what they are, as for embed', flags.columns)
  .option('--delimiter <char>', 'what separates cells, as for embed', flags.delimiter)
  .option('--quote <char>', 'what stands around cells, as for embed', flags.quote)
  .option('--no-probe', 'leave out the foretold seconds, which take two to three seconds of measurement')
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--threads <n>', 'default: BIFOCAL_THREADS, else as many as the machine has', flags.threads)
  .action(async (flagged, io) => {
    const { model, precision, items, probe, device, threads } = flagged
    requireTable(flagged, items, '--items')
    if (items !== undefined && !precision) {
      throw new UsageError('arguments', {
        message: '--items without --precision',
        hint: 'Items are for the comparison: add --precision.',
      })
    }
    const given = items === undefined ? undefined : await firstItems(items, flagged, io)
    const { inspectModel } = await import('../../models/embedder/inspection.ts')
    const found = await inspectModel(model, {
      signal: io.signal,
      onProgress: (at) => io.progress(inMegabytes(at)),
      warn: io.warn,
    })
    const fits = found.tensors.missing.length + found.tensors.unfit.length === 0
    const options = { device, threads, signal: io.signal, warn: io.warn }
    const estimate = fits && probe ? await estimated(model, options) : null
    const tuning = estimate === null ? null : await foretold(model, found, estimate, options)
    const compared =
      fits && precision ? await comparedAt(model, given, { ...options, onProgress: io.progress }) : null
    const words = [
      ...inspectionWords(found),
      ...estimateWords(estimate),
      ...tuningWords(tuning),
      ...precisionWords(compared),
    ]
    const rows = words.map(([name, value]) => `${name.padEnd(10)}  ${value}`)
    // Names of tensors come from files of others.
    io.print(printable(rows.join('\n'), { lines: true }), { ...found, estimate, tuning, precision: compared })
    return fits ? 0 : 3
  })

interface Options {
  device: typeof flags.device._output
  threads: typeof flags.threads._output
  signal: AbortSignal
  warn: (message: string) => void
}

/** A folder without a tokenizer, say, can be inspected but not run. */
async function estimated(model: string, options: Options): Promise<Estimate | null> {
  const { estimateSeconds } = await import('../../models/embedder/estimate.ts')
  try {
    return await estimateSeconds(model, options)
  } catch (error) {
    if (!(error instanceof BifocalError)) throw error
    options.warn(`no seconds an item: ${error.message}`)
    return null
  }
}

/** Null for a model that is not tuned: a dual encoder, or one with an adapter. */
async function foretold(
  model: string,
  { kind, adapter, contract }: Inspection,
  { machine }: Estimate,
  options: Options,
): Promise<TypicalForecast | null> {
  if (kind === 'dual-encoder' || adapter !== null) return null
  const { typicalForecast } = await import('../../learning/tuning/job/typical.ts')
  try {
    return await typicalForecast(model, options, contract.dtype === 'f32' ? machine : undefined)
  } catch (error) {
    if (!(error instanceof BifocalError)) throw error
    options.warn(`no time of tuning: ${error.message}`)
    return null
  }
}

const MOST_ITEMS = 64

async function comparedAt(
  model: string,
  items: Item[] | undefined,
  options: Options & { onProgress: (at: { label: string; done: number; total: number }) => void },
): Promise<PrecisionReport[]> {
  const { measurePrecision } = await import('../../models/embedder/precision.ts')
  return await measurePrecision(model, { ...options, items })
}

/** @throws UsageError `usage/empty-input`; where no line is an item, the error of the first */
async function firstItems(
  path: string,
  { columns, delimiter, quote }: TableFlags,
  { signal, warn }: CommandIo,
): Promise<Item[]> {
  const items: Item[] = []
  let bad: BifocalError | undefined
  for await (const line of (await itemsIn(path, signal, columns, { delimiter, quote, warn })).lines()) {
    if (items.length === MOST_ITEMS) break
    if ('item' in line) items.push(line.item)
    else bad ??= line.error
  }
  if (items.length === 0 && bad !== undefined) throw bad
  return items
}

type Row = readonly [name: string, words: string]

function inspectionWords(found: Inspection): Row[] {
  const { contract, tensors, parameters, memory, shape } = found
  const { readout, attention } = contract
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const counts = (record: Record<string, number>) =>
    Object.entries(record).map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
  const unfit = [...tensors.unfit, ...tensors.missing.map((name) => `${name} is missing`)]
  return [
    ['family', `${found.family} (${found.kind})`],
    [
      'shape',
      Object.entries(shape)
        .map(([name, value]) => `${name} ${inWords(value)}`)
        .join(', '),
    ],
    [
      'context',
      `${found.context} positions; too long an item: ${contract.truncation === 'error' ? 'an error' : 'cut as the reference does'}`,
    ],
    ['images', `${imageWords(contract.image)}; the tower takes views of ${shape.view.join('×')}`],
    ['attention', attention],
    [
      'readout',
      `layer ${readout.layer}, ${readout.norm} the norm, ${readout.pool}${readout.dims === undefined ? '' : `, ${readout.dims} dims`}`,
    ],
    ['parameters', `${parameters.total.toLocaleString('en')} (${counts(parameters.parts).join(', ')})`],
    [
      'memory',
      `stored ${mib(memory.stored)}, f32 ${mib(memory.f32)}, f16 ${mib(memory.f16)}, int8 ${mib(memory.int8)}`,
    ],
    ['files', found.files.join(', ')],
    [
      'tensors',
      `${tensors.stored} stored (${counts(tensors.dtypes).join(', ')}), ${tensors.unused.length} unused`,
    ],
    ...(found.adapter === null ? [] : [['adapter', found.adapter] as const]),
    ...(tensors.unused.length === 0 ? [] : [['unused', some(tensors.unused)] as const]),
    [
      'weights',
      unfit.length === 0
        ? 'all there, of the right shape'
        : `${unfit.length} of ${tensors.expected} weights do not fit: ${some(unfit)}`,
    ],
  ]
}

function imageWords({ enlarge, squash, limit }: ImagePolicy): string {
  const said = [
    enlarge && `a side below ${enlarge.below} makes a square of ${enlarge.to} pixels`,
    squash && `squashed to ${squash.width}×${squash.height}`,
    limit && `${limit.minPixels} to ${limit.maxPixels} pixels, sides multiples of ${limit.factor}`,
  ].filter((words) => words !== undefined)
  return `${said.length === 0 ? 'as they are' : said.join(', ')}; EXIF orientation ignored, alpha dropped`
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`
}

function estimateWords(estimate: Estimate | null): Row[] {
  if (estimate === null) return []
  const { machine, items } = estimate
  const kinds = Object.entries(items).map(
    ([kind, { seconds, positions }]) =>
      `${kind} ${inMilliseconds(seconds)} (${Math.round(positions)} positions)`,
  )
  return [
    ['seconds', `${kinds.join(', ')}; foretold for an item in a full batch`],
    [
      'machine',
      `${(machine.operations / 1e9).toFixed(0)} GFLOP/s in products, ${(machine.elements / 1e9).toFixed(2)} G elements/s in all else`,
    ],
  ]
}

function tuningWords(tuning: TypicalForecast | null): Row[] {
  if (tuning === null) return []
  const { secondsPerUpdate, bytes, pairs } = tuning
  const update = `${inMilliseconds(secondsPerUpdate)} an update of ${pairs} pairs with a picture each`
  return [
    ['tuning', `${update}, ${(bytes / 1e9).toFixed(1)} GB of memory; foretold for the default settings`],
  ]
}

function precisionWords(reports: readonly PrecisionReport[] | null): Row[] {
  return (reports ?? []).map(({ dtype, cosine: { all, ...kinds }, speed, seconds }) => {
    const near = Object.entries(kinds).map(
      ([kind, { min, mean }]) => `${kind} ${min.toFixed(6)} ${mean.toFixed(6)}`,
    )
    const cosines = `cosine to f32 min ${all.min.toFixed(6)} mean ${all.mean.toFixed(6)} (${near.join(', ')})`
    return [
      dtype,
      `${cosines}, ${speed.toFixed(2)}× the speed of f32 (${inMilliseconds(seconds)} an item, ${all.items} items)`,
    ]
  })
}

function inMilliseconds(seconds: number): string {
  return seconds < 10 ? `${(1000 * seconds).toFixed(2)} ms` : `${seconds.toFixed(1)} s`
}

/** A size, several of them, or a mask: `blocks of 8`. */
function inWords(value: number | string | readonly number[] | { readonly block: number }): string {
  if (typeof value !== 'object') return String(value)
  return 'block' in value ? `blocks of ${value.block}` : value.join('×')
}
