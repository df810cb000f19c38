/**
 * @file Which files of a repository a model needs. Pickled weights run code when they are read, so
 * they are never fetched.
 */

import { SETTINGS_FILES } from '../checkpoint/folder.ts'
import { HubError } from './errors.ts'

/** Any of these makes a repository a model. */
const MODEL_FILES = ['config.json', 'adapter_config.json', 'embedder.json']

/**
 * What families, tokenizers, processors, adapters and contracts read, where a repository has it.
 * Weights come by `weightNames`.
 */
export const COMPANIONS: readonly string[] = [
  ...SETTINGS_FILES,
  'adapter_config.json',
  'adapter_model.safetensors',
  'embedder.json',
]

/** What a contract's golden vectors and pictures are called, where a repository has a contract. */
const GOLDEN = /^golden[./]/

const INDEX = '.safetensors.index.json'

/**
 * The files of a repository to fetch.
 * @param names   all its files
 * @param include patterns (`*`, `?`; `*` crosses folders, as in `hf download`) that replace the
 *   choice of what a model needs
 * @throws HubError `hub/no-model`, `hub/pickled`, `hub/no-match`
 */
export function selectFiles(
  repository: string,
  names: readonly string[],
  include?: readonly string[],
): string[] {
  const safe = names.filter((name) => !isPickled(name))
  if (include !== undefined) {
    const patterns = include.map(patternOf)
    const chosen = safe.filter((name) => patterns.some((pattern) => pattern.test(name)))
    if (chosen.length > 0) return chosen
    throw new HubError('no-match', {
      message: `${repository}: no file matches ${include.join(', ')}`,
      hint: `It has ${safe.slice(0, 8).join(', ')}${safe.length > 8 ? ', …' : ''}. Pickled files (.bin, .pt, …) are never fetched.`,
    })
  }
  if (!names.some((name) => MODEL_FILES.includes(name))) {
    throw new HubError('no-model', {
      message: `${repository} has none of ${MODEL_FILES.join(', ')}`,
      hint: 'Is it a repository of a model in the layout of transformers or PEFT? Use --include to fetch other files.',
    })
  }
  const weights = weightNames(safe)
  const pickled = names.find(isPickled)
  if (weights.length === 0 && !safe.includes('adapter_model.safetensors') && pickled !== undefined) {
    throw new HubError('pickled', {
      message: `${repository} has pickled weights only (${pickled}), which are not read`,
      hint: 'Look for a revision with safetensors, refs/pr/N often has one: org/name@refs/pr/N. Or convert the weights.',
    })
  }
  const golden = safe.filter((name) => safe.includes('embedder.json') && GOLDEN.test(name))
  return [...safe.filter((name) => COMPANIONS.includes(name)), ...weights, ...golden]
}

/**
 * The weights that `openCheckpoint` reads: one file, or the shards of an index; not their copies in
 * other formats or precisions.
 */
function weightNames(names: readonly string[]): string[] {
  const weights = names.filter(
    (name) => /^[^/]+\.safetensors$/.test(name) && !name.startsWith('adapter_') && !GOLDEN.test(name),
  )
  if (weights.includes('model.safetensors')) return ['model.safetensors']
  const indexes = names.filter((name) => name.endsWith(INDEX) && !name.includes('/'))
  const index = indexes.find((name) => name === `model${INDEX}`) ?? indexes[0]
  if (index === undefined) return weights
  const stem = index.slice(0, -INDEX.length)
  const shards = weights.filter(
    (name) => name.startsWith(stem) && /^[-_.]\d+-of-\d+\./.test(name.slice(stem.length)),
  )
  return [index, ...(shards.length > 0 ? shards : weights)]
}

function isPickled(name: string): boolean {
  return /\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(name)
}

function patternOf(glob: string): RegExp {
  const source = (glob.endsWith('/') ? `${glob}*` : glob)
    .replace(/[^\w*?/-]/g, '\\$&')
    .replaceAll('?', '.')
    .replace(/\*+/g, '.*')
  return new RegExp(`^${source}$`)
}
