/**
 * @file `bifocal verify`: compares with expected values, computed by the reference implementations
 * or kept in an embedder's contract.
 */

import { existsSync } from 'node:fs'
import { UsageError } from '../../foundation/numeric/errors.ts'
import type { GoldenItem } from '../../models/embedder/golden/record.ts'
import type { VerifyReport } from '../../models/embedder/golden/report.ts'
import { type DownloadProgress, inMegabytes } from '../../models/hub/progress.ts'
import { command } from '../command.ts'
import * as flags from '../flags.ts'
import type { CommandIo } from '../io.ts'
import { itemsIn, requireTable, type TableFlags } from '../items.ts'

export const verify = command(
  'verify [model]',
  'Recompute expected values and name the first stage that differs',
)
  .option('--golden <dir>', 'a fixture of reference values: a folder with cases.json or expected.json')
  .option(
    '--record <items>',
    "keep golden vectors of a file's items in the model's embedder.json, for later verifications",
  )
  .option('--columns <names>', 'columns or keys to use, and what they are, as for embed', flags.columns)
  .option('--delimiter <char>', 'what separates cells, as for embed', flags.delimiter)
  .option('--quote <char>', 'what stands around cells, as for embed', flags.quote)
  .option('--out <dir>', "where --record writes; default: the model's folder, where it is one")
  .option(
    '--preset <name>',
    'compare with the cosines that the authors of a published embedder printed',
    flags.preset,
  )
  .option(
    '--picture <file>',
    "the authors' example picture, for --preset: assets/example.jpg of their repository",
  )
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', flags.device)
  .option('--dtype <dtype>', "f32, f16 or int8, for a model; default: the contract's", flags.dtype)
  .action(async (given, io) => {
    const { model, golden, record, out, preset, picture, device, dtype } = given
    requireTable(given, record, '--record')
    if ((model === undefined) === (golden === undefined)) {
      throw new UsageError('arguments', {
        message: model === undefined ? 'nothing to verify' : 'both a model and a fixture to verify',
        hint: 'Name a model that has an embedder.json, or a fixture with --golden DIR.',
      })
    }
    if (golden !== undefined && dtype !== undefined) {
      throw new UsageError('arguments', {
        message: '--dtype together with --golden: fixtures hold values of f32',
        hint: 'See what a precision changes with bifocal inspect MODEL --precision.',
      })
    }
    if (out !== undefined && record === undefined) {
      throw new UsageError('arguments', {
        message: '--out without --record',
        hint: 'Name the items to keep golden vectors of: --record ITEMS.',
      })
    }
    if (record !== undefined && golden !== undefined) {
      throw new UsageError('arguments', {
        message: '--record together with --golden',
        hint: 'Golden vectors are recorded of a model: bifocal verify MODEL --record ITEMS.',
      })
    }
    for (const [flag, value] of Object.entries({ preset, picture })) {
      if (golden === undefined || value === undefined) continue
      throw new UsageError('arguments', {
        message: `--${flag} together with --golden: a fixture holds all that it is compared with`,
        hint: `Leave --${flag} out, or name a model instead of the fixture.`,
      })
    }
    if (picture !== undefined && (record !== undefined || preset === undefined || preset === 'none')) {
      throw new UsageError('arguments', {
        message: record === undefined ? '--picture without --preset' : '--picture together with --record',
        hint: "The picture is the authors' own, for their published cosines: bifocal verify MODEL --preset NAME --picture FILE.",
      })
    }
    const onDownload = (at: DownloadProgress) => io.progress(inMegabytes(at))
    const options = { device, dtype, signal: io.signal, warn: io.warn, onDownload }
    if (model !== undefined && record !== undefined) {
      if (out === undefined && !existsSync(model)) {
        throw new UsageError('arguments', {
          message: `--record for ${model}, which is no folder of yours, without --out`,
          hint: 'Say where embedder.json and the golden vectors go: --out DIR.',
        })
      }
      const { recordGolden } = await import('../../models/embedder/golden/record.ts')
      const dir = out ?? model
      const { golden: kept } = await recordGolden(model, await goldenItemsOf(record, given, io), dir, {
        ...options,
        preset,
      })
      io.print(`golden vectors of ${kept?.items.length ?? 0} items → ${dir}`, { dir, golden: kept })
      return 0
    }
    const report = await reportOf({ model, golden, preset, picture }, options)
    io.print(reportWords(report), report)
    return report.failure === undefined ? 0 : 4
  })

async function reportOf(
  {
    model = '.',
    golden,
    preset,
    picture,
  }: { model?: string; golden?: string; preset?: typeof flags.preset._output; picture?: string },
  options: {
    device?: typeof flags.device._output
    dtype?: typeof flags.dtype._output
    signal: AbortSignal
    warn: (message: string) => void
    onDownload: (at: DownloadProgress) => void
  },
): Promise<VerifyReport> {
  if (golden !== undefined)
    return await (await import('../../measuring/verify/golden.ts')).verifyGolden(golden, options)
  if (preset === undefined || preset === 'none') {
    return await (await import('../../models/embedder/golden/contract.ts')).verifyContract(model, {
      ...options,
      preset,
    })
  }
  if (picture !== undefined)
    return await (await import('../../models/embedder/golden/published.ts')).verifyPublished(
      model,
      preset,
      picture,
      options,
    )
  throw new UsageError('arguments', {
    message: `--preset ${preset} without the picture that its published cosines are of`,
    hint: 'Give --picture: assets/example.jpg of github.com/TIGER-AI-Lab/VLM2Vec.',
  })
}

/** Items that can be embedded again later: one picture at most, by its path. */
async function goldenItemsOf(
  path: string,
  { columns, delimiter, quote }: TableFlags,
  { signal, warn }: CommandIo,
): Promise<GoldenItem[]> {
  const items: GoldenItem[] = []
  for await (const line of (await itemsIn(path, signal, columns, { delimiter, quote, warn })).lines()) {
    if ('error' in line) throw line.error
    const { image, ...words } = line.item
    if (image !== undefined && typeof image !== 'string') {
      throw new UsageError('arguments', {
        message: `${path}, item ${line.line}: a golden item has one picture at most, by its path`,
        hint: 'Name a file that stays where it is.',
      })
    }
    items.push({ ...words, image })
  }
  return items
}

/**
 * Stages in the order of the computation, the worst difference of each as a share of its tolerance.
 */
function reportWords({ fixture, kind, stages, compared, expected, failure }: VerifyReport): string {
  const width = Math.max(5, ...stages.map(({ stage }) => stage.length))
  const rows = stages.map(({ stage, worst, compared: count }) => {
    const share = Number.isFinite(worst) ? worst.toFixed(4) : 'differs'
    return `  ${stage.padEnd(width)}  ${share.padStart(9)}  ${String(count).padStart(6)}${worst > 1 ? '  miss' : ''}`
  })
  const head = `  ${'stage'.padEnd(width)}  ${'worst'.padStart(9)}  ${'values'.padStart(6)}   (worst: largest difference / tolerance)`
  const verdict =
    failure === undefined
      ? `equal within tolerance: ${compared} of ${expected} expected tensors compared`
      : 'first difference at stage ' +
        `${failure.stage}${failure.case === '' ? '' : ` of case ${failure.case}`}: ` +
        `${failure.detail}\n${compared} of ${expected} expected tensors compared`
  return [`${fixture} (${kind})`, head, ...rows, verdict].join('\n')
}
