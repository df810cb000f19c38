/**
 * @file Contracts of published embedding models: their prompt, picture policy, positions and
 * readout, as their authors' code has them. None has been compared with the real weights by this
 * project yet: `verified` says so.
 * @see specs/ar-vlms.md §8; specs/vlm2vec-mmeb.md §3; specs/embedders.md
 */

import type { Contract, LocatedContract } from './contract.ts'
import { EmbedderError } from './errors.ts'
import type { Preset } from './preset.ts'
import { llavaPresets } from './presets-llava.ts'
import { qwenPresets } from './presets-qwen.ts'

const published = { ...llavaPresets, ...qwenPresets } as const

export type PresetName = keyof typeof published

export const presets: Readonly<Record<PresetName, Preset>> = published

/** Names of all presets. */
export const presetNames = Object.keys(published).filter((name): name is PresetName => name in published)

/**
 * The preset of a published embedder, known by the names that a user or a file gives it: a
 * repository (`Qwen/Qwen3-VL-Embedding-2B`), its folder in the Hugging Face cache, or a folder of
 * the repository's name.
 * @param family of the model: a preset for another one is none
 */
export function presetFor(names: readonly (string | undefined)[], family: string): PresetName | undefined {
  const given = names.flatMap((name) =>
    name === undefined ? [] : [name.replaceAll('\\', '/').toLowerCase()],
  )
  return presetNames.find(
    (preset) =>
      presets[preset].family === family &&
      presets[preset].repositories.some((repository) => given.some((name) => isOf(name, repository))),
  )
}

function isOf(name: string, repository: string): boolean {
  const wanted = repository.toLowerCase()
  const [owner = '', short = ''] = wanted.split('/')
  const last = name.replace(/\/+$/, '').split('/').at(-1)
  return name === wanted || last === short || name.includes(`/models--${owner}--${short}/`)
}

/**
 * A folder's contract with a preset's prompt, picture policy, positions and readout in place of its
 * own.
 * @throws EmbedderError `embedder/preset-family` for a model of another family
 */
export function withPreset(
  contract: LocatedContract['contract'],
  name: PresetName,
  family: string,
): Contract {
  const { family: wanted, contract: decided } = presets[name]
  if (family !== wanted) {
    throw new EmbedderError('preset-family', {
      message: `preset ${name} is for ${wanted}, the model is of the family ${family}`,
      hint: 'Choose the preset of this model, or the preset none (--preset none) for its chat template.',
    })
  }
  return { ...contract, family: undefined, masks: undefined, ...decided }
}
