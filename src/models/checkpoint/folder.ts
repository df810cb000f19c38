/**
 * @file A checkpoint folder as published on Hugging Face: config.json and weights, in one file or
 * in shards with an index.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { jsonObject, readBytes, readJson } from '../../foundation/files/file.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from './errors.ts'
import type { TensorLocation } from './header.ts'
import { locate, openSafetensors, readTensor, tensorBytes } from './safetensors.ts'
import { modelNearby } from './sub-folders.ts'
import { weightFiles } from './weight-files.ts'

/** An opened checkpoint: its configuration, and where its tensors lie. No weight has been read. */
export interface Checkpoint {
  readonly dir: string
  /** The content of config.json; the family parses it. */
  readonly config: Readonly<Record<string, unknown>>
  /** The content of generation_config.json, where there is one. */
  readonly generationConfig: Readonly<Record<string, unknown>> | undefined
  /** Path of the weight file, or of the index, that was read. */
  readonly weights: string
  /** Paths of the weight files. */
  readonly files: readonly string[]
  readonly tensors: ReadonlyMap<string, TensorLocation>
  /**
   * Reads one tensor in its stored dtype.
   * @throws CheckpointError `checkpoint/no-tensor`, `checkpoint/truncated`
   */
  read(name: string): Promise<Tensor>
}

export interface CheckpointOptions {
  /** Name of a weight file to read where a folder has none of those that transformers reads. */
  otherwise?: string
}

/**
 * Opens a folder with config.json and `model.safetensors`, or shards with
 * `model.safetensors.index.json`. Weight files of other names are read only when the caller or
 * config.json (`transformers_weights`) names one. Symbolic links, as the Hugging Face cache has
 * them, are followed.
 * @throws CheckpointError `no-folder`, `no-config`, `no-weights`, `ambiguous-weights`, `no-shard`,
 *   `index`, `duplicate-tensor`, and those of `openSafetensors`
 */
export async function openCheckpoint(
  dir: string,
  { otherwise }: CheckpointOptions = {},
): Promise<Checkpoint> {
  const names = await readdir(dir).catch((cause: unknown) => {
    throw new CheckpointError('no-folder', {
      message: `${dir} is not a folder that can be read`,
      hint: 'Give the folder of a downloaded checkpoint: the one that holds config.json.',
      cause,
    })
  })
  if (!names.includes('config.json')) {
    throw new CheckpointError('no-config', {
      message: `${dir} has no config.json`,
      hint:
        (await modelNearby(dir)) ??
        'Give the folder of a downloaded checkpoint: the one that holds config.json.',
    })
  }
  const config = await readJson(join(dir, 'config.json'), jsonObject)
  const generation = join(dir, 'generation_config.json')
  const generationConfig = existsSync(generation) ? await readJson(generation, jsonObject) : undefined
  const { main, files, promised } = await weightFiles(dir, names, { asked: askedWeights(config), otherwise })
  const tensors = await joinHeaders(files)
  checkIndex(main, promised, tensors)
  return {
    dir,
    config,
    generationConfig,
    weights: main,
    files,
    tensors,
    read: async (name) => await readTensor(locate(tensors, name, main)),
  }
}

/** The files that families, tokenizers and processors read beside the weights. */
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
 * Computes the sha256, in hex, of the settings' files and of each tensor's name, dtype, dims and
 * bytes, in order of name. It does not depend on how the tensors are spread over files. The
 * function streams the weights: it needs no memory for them.
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
    const at = locate(checkpoint.tensors, name, checkpoint.weights)
    hash.update(`\n${JSON.stringify([name, at.dtype, at.dims])}\n`)
    for await (const bytes of tensorBytes(at)) hash.update(bytes)
  }
  return hash.digest('hex')
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

/** The weight file that config.json names, in the key that transformers reads. */
function askedWeights({
  transformers_weights: asked,
}: Readonly<Record<string, unknown>>): string | undefined {
  return typeof asked === 'string' ? asked : undefined
}

function checkIndex(
  index: string,
  promised: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, TensorLocation>,
): void {
  const dir = dirname(index)
  const broken = [...promised]
    .filter(([name, shard]) => tensors.get(name)?.file !== join(dir, shard))
    .map(([name]) => name)
  if (broken.length === 0) return
  throw new CheckpointError('index', {
    message:
      `${index} promises ${broken.length} tensors that are not in their shards: ` +
      `${broken.slice(0, 5).join(', ')}${broken.length > 5 ? ', …' : ''}`,
    hint: 'Are the index and all shards from the same repository and revision?',
  })
}
