/** @file `bifocal inspect`: what a model folder holds. */

import type { Inspection } from '../../embedder/inspection.ts'
import { inMegabytes } from '../../hub/progress.ts'
import { command } from '../command.ts'

export const inspect = command('inspect <model>', 'Show family, shape, tensors, parameters and memory of a model').action(
  async ({ model }, io) => {
    const { inspectModel } = await import('../../embedder/inspection.ts')
    const found = await inspectModel(model, { signal: io.signal, onProgress: (at) => io.progress(inMegabytes(at)), warn: io.warn })
    io.print(inspectionWords(found), found)
    return found.tensors.problem === null ? 0 : 3
  },
)

function inspectionWords(found: Inspection): string {
  const { contract, tensors, parameters, memory } = found
  const { readout, attention } = contract
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const counts = (record: Record<string, number>) => Object.entries(record).map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
  const rows: [string, string][] = [
    ['family', `${found.family} (${found.kind})`],
    [
      'shape',
      Object.entries(found.shape)
        .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join('×') : value}`)
        .join(', '),
    ],
    ['context', `${found.context} positions`],
    ['attention', attention],
    [
      'readout',
      `layer ${readout.layer}, ${readout.norm} the norm, ${readout.pool}${readout.dims === undefined ? '' : `, ${readout.dims} dims`}`,
    ],
    ['parameters', `${parameters.total.toLocaleString('en')} (${counts(parameters.parts).join(', ')})`],
    ['memory', `stored ${mib(memory.stored)}, f32 ${mib(memory.f32)}, f16 ${mib(memory.f16)}, int8 ${mib(memory.int8)}`],
    ['files', found.files.join(', ')],
    ['tensors', `${tensors.stored} stored (${counts(tensors.dtypes).join(', ')}), ${tensors.unused.length} unused`],
  ]
  if (found.adapter !== null) rows.push(['adapter', found.adapter])
  if (tensors.unused.length > 0) rows.push(['unused', `${tensors.unused.slice(0, 8).join(', ')}${tensors.unused.length > 8 ? ', …' : ''}`])
  rows.push(['weights', tensors.problem ?? 'all there, of the right shape'])
  return rows.map(([name, value]) => `${name.padEnd(10)}  ${value}`).join('\n')
}
