/**
 * @file Which files of a folder hold a checkpoint's weights: the rule of transformers. Copies in
 * other formats and precisions, which repositories keep beside them, are not read.
 */

import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../foundation/files/file.ts'
import { CheckpointError } from './errors.ts'

const SINGLE = 'model.safetensors'
const INDEX_END = '.safetensors.index.json'
const INDEX = `model${INDEX_END}`

export interface WeightFiles {
  /** Path of the file, or of the index, that decides what is read. */
  readonly main: string
  /** Paths of the safetensors files. */
  readonly files: string[]
  /** The index: tensor name → file name; empty without an index. */
  readonly promised: ReadonlyMap<string, string>
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) })

/**
 * The name of the weight file or of the index that is read: `model.safetensors`, else
 * `model.safetensors.index.json`. Undefined where a folder has neither.
 * @see transformers 4.57, `_get_resolved_checkpoint_files`
 */
export function mainWeights(names: readonly string[]): string | undefined {
  return [SINGLE, INDEX].find((name) => names.includes(name))
}

/**
 * The weight files of a folder.
 * @param names all files of the folder
 * @param asked name of the weight file or index to read instead, as config.json's
 *   `transformers_weights` gives it
 * @param otherwise name of a weight file to read where there is none of the usual names
 * @throws CheckpointError `no-weights`, `ambiguous-weights`, `no-shard`, `index`; FileError
 */
export async function weightFiles(
  dir: string,
  names: readonly string[],
  { asked, otherwise }: { asked?: string; otherwise?: string },
): Promise<WeightFiles> {
  const name = asked ?? mainWeights(names) ?? names.find((candidate) => candidate === otherwise)
  if (name === undefined) throw noWeights(dir, names)
  const main = join(dir, name)
  if (asked !== undefined) requireFile(dir, 'config.json', name)
  if (!name.endsWith(INDEX_END)) return { main, files: [main], promised: new Map() }
  const { weight_map: map } = await readJson(main, indexSchema)
  const shards = [...new Set(Object.values(map))].sort()
  for (const shard of shards) requireFile(dir, name, shard)
  return { main, files: shards.map((shard) => join(dir, shard)), promised: new Map(Object.entries(map)) }
}

/** @param by the file that names it */
function requireFile(dir: string, by: string, name: string): void {
  // A path in a file from the net could point anywhere on the disk.
  if (name !== basename(name) || name.includes('\\')) {
    throw new CheckpointError('index', {
      message: `${join(dir, by)} names the weight file "${name}", which is no plain file name`,
      hint: 'Fetch the folder again from a source that you trust.',
    })
  }
  if (!existsSync(join(dir, name))) {
    throw new CheckpointError('no-shard', {
      message: `${join(dir, by)} names the weight file ${name}, which does not exist`,
      hint: 'Fetch the missing file: the download was not finished, or a link is broken.',
    })
  }
}

/** Weight files of another name are listed, for the user knows what they are. */
function noWeights(dir: string, names: readonly string[]): CheckpointError {
  const indexes = names.filter((name) => name.endsWith(INDEX_END))
  const weights = names.filter((name) => name.endsWith('.safetensors') && !name.startsWith('adapter_'))
  const others = [...indexes, ...weights].sort()
  if (others.length > 0) {
    const shown = `${others.slice(0, 3).join(', ')}${others.length > 3 ? `, … (${others.length} in all)` : ''}`
    const shard = weights.some((name) => /^model-\d+-of-\d+\./.test(name))
    return new CheckpointError(others.length === 1 ? 'no-weights' : 'ambiguous-weights', {
      message: `${dir} has neither ${SINGLE} nor ${INDEX}; other weight files are read only when config.json asks for one: ${shown}`,
      hint: shard
        ? `Fetch ${INDEX} from the same repository.`
        : `If one of them holds the model's weights, name it in config.json: "transformers_weights": "${others[0]}".`,
    })
  }
  const pickled = names.find((name) => /\.(bin|pt|pth)$/.test(name))
  return new CheckpointError('no-weights', {
    message: `${dir} has no .safetensors file`,
    hint:
      pickled === undefined
        ? 'Fetch the weights too.'
        : `${pickled} is pickled, which is not read: convert it to safetensors.`,
  })
}
