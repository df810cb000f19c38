/** @file `bifocal verify`: compares with expected values, computed by the reference implementations or kept in an embedder's contract. */

import type { VerifyReport } from '../../embedder/verify/report.ts'
import { UsageError } from '../../numeric/errors.ts'
import { command } from '../command.ts'
import { device as deviceFlag } from '../flags.ts'

export const verify = command('verify [model]', 'Recompute expected values and name the first stage that differs')
  .option('--golden <dir>', 'a fixture of reference values: a folder with cases.json')
  .option('--device <device>', 'cpu, webgpu or cuda; default cpu', deviceFlag)
  .action(async ({ model, golden, device }, io) => {
    if ((model === undefined) === (golden === undefined)) {
      throw new UsageError('arguments', {
        message: model === undefined ? 'nothing to verify' : 'both a model and a fixture to verify',
        hint: 'Name a model that has an embedder.json, or a fixture with --golden DIR.',
      })
    }
    const report =
      golden === undefined
        ? await (await import('../../embedder/verify/contract.ts')).verifyContract(model ?? '.', { device, signal: io.signal })
        : await (await import('../../verify/golden.ts')).verifyGolden(golden, { device })
    io.print(reportWords(report), report)
    return report.failure === undefined ? 0 : 4
  })

/** Stages in the order of the computation, the worst difference of each as a share of its tolerance. */
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
      : `first difference at stage ${failure.stage}${failure.case === '' ? '' : ` of case ${failure.case}`}: ${failure.detail}\n${compared} of ${expected} expected tensors compared`
  return [`${fixture} (${kind})`, head, ...rows, verdict].join('\n')
}
