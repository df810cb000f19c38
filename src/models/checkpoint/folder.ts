/**
 * @file A checkpoint folder as published on Hugging Face: config.json and weights, in one file or
 * in shards with an index.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { jsonObject, readBytes, readJson } from '../../foundation/files/file.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from './errors.ts'
import type { TensorLocation } from './header.ts'
import { locate, openSafetensors, readTensor, tensorBytes } from './safetensors.ts'

/** An opened checkpoint: configuration and whereabouts of its tensors; no weight was read. */
export interface Checkpoint {
  readonly dir: string
  /** config.json as it is; the family parses it. */
  readonly config: Readonly<Record<string, unknown>>
  /** generation_config.json where there is one. */
  readonly generationConfig: Readonly<Record<string, unknown>> | undefined
  /** Paths of the weight files. */
  readonly files: readonly string[]
  readonly tensors: ReadonlyMap<string, TensorLocation>
  /**
   * Reads one tensor in its stored dtype.
   * @throws CheckpointError `checkpoint/no-tensor`, `checkpoint/truncated`
   */
  read(name: string): Promise<Tensor>
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) })

/**
 * Opens a folder with config.json and `model.safetensors`, or shards with
 * `model.safetensors.index.json`, or a single safetensors file of any other name. Symbolic links,
 * as the Hugging Face cache has them, are followed.
 * @throws CheckpointError `no-folder`, `no-config`, `no-weights`, `ambiguous-weights`, `no-shard`,
 *   `index`, `duplicate-tensor`, and those of `openSafetensors`
 */
export async function openCheckpoint(dir: string): Promise<Checkpoint> {
  const names = await readdir(dir).catch((cause: unknown) => {
    throw new CheckpointError('no-folder', {
      message: `${dir} is no readable folder`,
      hint: 'Give the folder of a downloaded checkpoint: the one that holds config.json.',
      cause,
    })
  })
  if (!names.includes('config.json')) {
    throw new CheckpointError('no-config', {
      message: `${dir} has no config.json`,
      hint: 'Give the folder of a downloaded checkpoint: the one that holds config.json.',
    })
  }
  const config = await readJson(join(dir, 'config.json'), jsonObject)
  const generation = join(dir, 'generation_config.json')
  const generationConfig = existsSync(generation) ? await readJson(generation, jsonObject) : undefined
  const { files, promised } = await weightFiles(dir, names)
  const tensors = await joinHeaders(files)
  checkIndex(dir, promised, tensors)
  return {
    dir,
    config,
    generationConfig,
    files,
    tensors,
    read: async (name) => await readTensor(locate(tensors, name, dir)),
  }
}

/** What families, tokenizers and processors read beside the weights, where a folder has it. */
export const SETTINGS_FILES = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
] as const

/**
 * sha256, in hex, of the settings' files and of every tensor's name, dtype, dims and bytes, by
 * name: how the tensors are spread over files does not count. Streams: needs no room for the
 * weights.
 */
export async function hashCheckpoint(checkpoint: Checkpoint): Promise<string> {
  const hash = createHash('sha256')
  for (const name of SETTINGS_FILES) {
    const path = join(checkpoint.dir, name)
    if (!existsSync(path)) continue
    const bytes = await readBytes(path)
    hash.update(`\n${JSON.stringify([name, bytes.length])}\n`).update(bytes)
  }
  for (const name of [...checkpoint.tensors.keys()].sort()) {
    const at = locate(checkpoint.tensors, name, checkpoint.dir)
    hash.update(`\n${JSON.stringify([name, at.dtype, at.dims])}\n`)
    for await (const bytes of tensorBytes(at)) hash.update(bytes)
  }
  return hash.digest('hex')
}

/** The weight files, and what an index promises of them: tensor name → file name. */
async function weightFiles(
  dir: string,
  names: string[],
): Promise<{ files: string[]; promised: ReadonlyMap<string, string> }> {
  const weights = names.filter((name) => name.endsWith('.safetensors') && !name.startsWith('adapter_')).sort()
  const index = names.find((name) => name.endsWith('.safetensors.index.json'))
  if (weights.includes('model.safetensors'))
    return { files: [join(dir, 'model.safetensors')], promised: new Map() }
  if (index !== undefined) {
    const { weight_map: map } = await readJson(join(dir, index), indexSchema)
    const shards = [...new Set(Object.values(map))].sort()
    for (const shard of shards) checkShard(dir, index, shard)
    return { files: shards.map((shard) => join(dir, shard)), promised: new Map(Object.entries(map)) }
  }
  if (weights.length === 1) return { files: weights.map((name) => join(dir, name)), promised: new Map() }
  if (weights.length > 1) {
    throw new CheckpointError('ambiguous-weights', {
      message: `${dir} has ${weights.length} safetensors files (${weights.slice(0, 3).join(', ')}, …) and no index`,
      hint: 'Fetch model.safetensors.index.json from the same repository.',
    })
  }
  const pickled = names.find((name) => /\.(bin|pt|pth)$/.test(name))
  throw new CheckpointError('no-weights', {
    message: `${dir} has no .safetensors file`,
    hint:
      pickled === undefined
        ? 'Fetch the weights too.'
        : `${pickled} is pickled, which is not read: convert it to safetensors.`,
  })
}

function checkShard(dir: string, index: string, shard: string): void {
  // A path in an index could point anywhere on the disk.
  if (shard !== basename(shard) || shard.includes('\\')) {
    throw new CheckpointError('index', {
      message: `${join(dir, index)} names the shard "${shard}", which is no plain file name`,
      hint: 'Fetch the index again from a source that you trust.',
    })
  }
  if (!existsSync(join(dir, shard))) {
    throw new CheckpointError('no-shard', {
      message: `${join(dir, index)} names the shard ${shard}, which does not exist`,
      hint: 'Fetch the missing shard: the download was not finished, or a link is broken.',
    })
  }
}

async function joinHeaders(files: string[]): Promise<Map<string, TensorLocation>> {
  const tensors = new Map<string, TensorLocation>()
  for (const path of files) {
    for (const [name, at] of (await openSafetensors(path)).tensors) {
      const other = tensors.get(name)
      if (other !== undefined) {
        throw new CheckpointError('duplicate-tensor', {
          message: `tensor ${name} is both in ${other.file} and in ${path}`,
          hint: 'Are all shards from the same repository and revision?',
        })
      }
      tensors.set(name, at)
    }
  }
  return tensors
}

function checkIndex(
  dir: string,
  promised: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, TensorLocation>,
): void {
  const broken = [...promised]
    .filter(([name, shard]) => tensors.get(name)?.file !== join(dir, shard))
    .map(([name]) => name)
  if (broken.length === 0) return
  throw new CheckpointError('index', {
    message: `${dir}: the index promises ${broken.length} tensors that are not in their shards: ${broken.slice(0, 5).join(', ')}${broken.length > 5 ? ', …' : ''}`,
    hint: 'Are the index and all shards from the same repository and revision?',
  })
}
