/** @file How the folder of an adapter names its base model, here and on another machine. */

import { relative, resolve } from 'node:path'
import { z } from 'zod'
import { isShipped, shippedNameOf } from '../../foundation/files/shipped.ts'
import type { PythonClass } from '../checkpoint/adapter.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import { snapshotRepository } from '../hub/repository.ts'
import type { Contract } from './contract.ts'
import { checkpointFingerprint } from './fingerprint.ts'

export interface BaseReference {
  /** For `embedder.json`: the name of the base where it has one, else its path from `dir`. */
  contractBase: Contract['base']
  /** For `adapter_config.json`: the name, or the whole path, as PEFT finds it. */
  peftBase: string
  revision: string | null
  /** The base's class in transformers; absent for models with code of their own. */
  baseClass?: PythonClass
}

/** @param dir the adapter's folder @throws FileError `file/read` */
export async function baseReference(dir: string, checkpoint: Checkpoint): Promise<BaseReference> {
  const sha256 = await checkpointFingerprint(checkpoint)
  const published = snapshotRepository(checkpoint.dir)
  const baseClass = transformersClass(checkpoint.config)
  const shared = baseClass === undefined ? {} : { baseClass }
  if (published !== undefined) {
    const { id, revision } = published
    return { contractBase: { path: id, revision, sha256 }, peftBase: id, revision, ...shared }
  }
  const path = isShipped(checkpoint.dir)
    ? shippedNameOf(checkpoint.dir)
    : relative(dir, checkpoint.dir) || '.'
  return { contractBase: { path, sha256 }, peftBase: resolve(checkpoint.dir), revision: null, ...shared }
}

/** Model types whose class lies in transformers, in a module named after the type. */
const IN_TRANSFORMERS = new Set([
  'idefics3',
  'llava',
  'llava_next',
  'llava_onevision',
  'qwen2_5_vl',
  'qwen2_vl',
  'qwen3_vl',
  'smolvlm',
])

const classSchema = z.looseObject({
  model_type: z.string(),
  architectures: z.tuple([z.string()], z.string()),
  auto_map: z.undefined().optional(),
})

function transformersClass(config: Checkpoint['config']): PythonClass | undefined {
  const found = classSchema.safeParse(config)
  if (!found.success || !IN_TRANSFORMERS.has(found.data.model_type)) return undefined
  const { model_type: type, architectures } = found.data
  return { name: architectures[0], module: `transformers.models.${type}.modeling_${type}` }
}
