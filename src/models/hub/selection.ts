/**
 * @file Which files of a repository a model needs. Pickled weights run code when they are read, so
 * they are never fetched.
 */

import { posix } from 'node:path'
import { SETTINGS_FILES } from '../checkpoint/folder.ts'
import { mainWeights } from '../checkpoint/weight-files.ts'
import { HubError } from './errors.ts'

/** A repository with any of these is a model. */
const MODEL_FILES = ['config.json', 'adapter_config.json', 'embedder.json']

/**
 * The files that families, tokenizers, processors, adapters and contracts read. `weightNames`
 * chooses the weights.
 */
export const COMPANIONS: readonly string[] = [
  ...SETTINGS_FILES,
  'adapter_config.json',
  'adapter_model.safetensors',
  'embedder.json',
]

/** Names of a contract's golden vectors and pictures. */
const GOLDEN = /^golden[./]/

const INDEX = '.safetensors.index.json'

/**
 * Chooses the files of a repository to fetch.
 * @param names   all its files
 * @param include patterns (`*`, `?`; `*` crosses folders, as in `hf download`) that replace the
 *   choice of what a model needs
 * @throws HubError `hub/no-model`, `hub/no-weights`, `hub/pickled`, `hub/no-match`
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
    const inside = names.find((name) => MODEL_FILES.some((file) => name.endsWith(`/${file}`)))
    throw new HubError('no-model', {
      message: `${repository} has none of ${MODEL_FILES.join(', ')}`,
      hint:
        inside === undefined
          ? 'Is it a repository of a model in the layout of transformers or PEFT? Use --include to fetch other files.'
          : `It has ${inside}: fetch that folder with \`bifocal pull ${repository} --include ` +
            `'${posix.dirname(inside)}/*'\` and give its path as the model, or with --adapter.`,
    })
  }
  const weights = weightNames(safe)
  const others = safe.filter(isWeights)
  if (weights.length === 0 && others.length > 0) {
    throw new HubError('no-weights', {
      message:
        `${repository} has neither model.safetensors nor its index, but ${others.length} other weight ` +
        `files: ${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''}`,
      hint: 'Name the files that you want (--include), and name the weights in config.json: "transformers_weights".',
    })
  }
  const pickled = names.find(isPickled)
  if (weights.length === 0 && !safe.includes('adapter_model.safetensors') && pickled !== undefined) {
    throw new HubError('pickled', {
      message: `${repository} has pickled weights only (${pickled}), which are not read`,
      hint: 'Look for a revision with safetensors, refs/pr/N often has one: org/name@refs/pr/N. Or convert the weights.',
    })
  }
  const golden = safe.includes('embedder.json') ? safe.filter((name) => GOLDEN.test(name)) : []
  return [...safe.filter((name) => COMPANIONS.includes(name)), ...weights, ...golden]
}

/**
 * The weights that `openCheckpoint` reads: one file, or an index with its shards; not their copies
 * in other formats or precisions. Where a repository has neither, its only weight file.
 */
function weightNames(names: readonly string[]): string[] {
  const main = mainWeights(names)
  if (main === undefined) return [onlyWeights(names)].filter((name) => name !== undefined)
  if (!main.endsWith(INDEX)) return [main]
  const stem = main.slice(0, -INDEX.length)
  const weights = names.filter(isWeights)
  const shards = weights.filter(
    (name) => name.startsWith(stem) && /^[-_.]\d+-of-\d+\./.test(name.slice(stem.length)),
  )
  return [main, ...(shards.length > 0 ? shards : weights)]
}

/**
 * The weight file of a folder that has only one. Some repositories, such as an image tokenizer's,
 * do not name it as transformers does.
 */
export function onlyWeights(names: readonly string[]): string | undefined {
  const weights = names.filter(isWeights)
  return weights.length === 1 ? weights[0] : undefined
}

function isWeights(name: string): boolean {
  return /^[^/]+\.safetensors$/.test(name) && !name.startsWith('adapter_') && !GOLDEN.test(name)
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
