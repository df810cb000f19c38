/** @file How the folder of an adapter names its base model, here and on another machine. */

import { relative, resolve } from 'node:path'
import { isShipped, shippedNameOf } from '../../foundation/files/shipped.ts'
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
}

/** @param dir the adapter's folder @throws FileError `file/read` */
export async function baseReference(dir: string, checkpoint: Checkpoint): Promise<BaseReference> {
  const sha256 = await checkpointFingerprint(checkpoint)
  const published = snapshotRepository(checkpoint.dir)
  if (published !== undefined) {
    const { id, revision } = published
    return { contractBase: { path: id, revision, sha256 }, peftBase: id, revision }
  }
  const path = isShipped(checkpoint.dir)
    ? shippedNameOf(checkpoint.dir)
    : relative(dir, checkpoint.dir) || '.'
  return { contractBase: { path, sha256 }, peftBase: resolve(checkpoint.dir), revision: null }
}
