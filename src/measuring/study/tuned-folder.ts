/**
 * @file A converted model as a folder that `bifocal embed` takes: an adapter in PEFT's layout and
 * its contract.
 */

import { join, relative } from 'node:path'
import type { Conversion } from '../../learning/tuning/convert.ts'
import { decoderLinears, type TunedPool } from '../../learning/tuning/decoder.ts'
import type { Subject } from '../../learning/tuning/subject.ts'
import { initialAdapter } from '../../models/checkpoint/adapter.ts'
import { writeAdapter } from '../../models/checkpoint/adapter-folder.ts'
import { defaultContract, writeContract } from '../../models/embedder/contract.ts'
import { snapshotRepository } from '../../models/hub/repository.ts'
import type { StudyContext } from './state.ts'

/**
 * An adapter folder in PEFT's layout with its contract, ready for `bifocal embed`. All-weights
 * conversions stay in the work folder.
 */
export async function writeTuned(
  subject: Subject,
  { parameters }: Conversion,
  pool: TunedPool,
  { setting, options }: StudyContext,
): Promise<void> {
  const { part } = setting.conversion
  if (part.tune !== 'lora') return
  const dir = join(options.out, 'models', `${subject.id}-tuned`)
  const linears = decoderLinears(subject.model)
  const spelled = (module: string) =>
    (subject.model.weightSpellings(`${module}.weight`)[0] ?? module).replace(/\.weight$/, '')
  const { config } = initialAdapter(
    linears.map((layer) => ({ ...layer, module: spelled(layer.module) })),
    { ...part, seed: setting.seed },
  )
  const modules = linears.map(({ module }) => {
    const [down, up] = [parameters[`${module}.lora_A.weight`]!, parameters[`${module}.lora_B.weight`]!]
    return [spelled(module), { down, up, scale: part.alpha / part.rank }] as const
  })
  await writeAdapter(dir, { config, modules: new Map(modules) })
  const contract = defaultContract(subject.model)
  // By name, where it has one: the folder then works on other machines too.
  const published = snapshotRepository(subject.dir)
  await writeContract(dir, {
    ...contract,
    base:
      published === undefined
        ? { path: relative(dir, subject.dir) }
        : { path: published.id, revision: published.revision },
    adapter: '.',
    attention: subject.attention,
    readout: { layer: 'last', norm: 'after', pool },
  })
}
