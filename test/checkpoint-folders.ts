/**
 * @file Two checkpoint folders with the same tensors, one file and two shards, to copy and spoil.
 */

import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { f32 } from '../src/foundation/numeric/tensor.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'

export const tensors = { a: f32([2], [1, 2]), b: f32([1, 1], [3]) }
export const shards: Record<string, string> = {
  a: 'model-00001-of-00002.safetensors',
  b: 'model-00002-of-00002.safetensors',
}

export interface CheckpointFolders {
  readonly root: string
  /** The folder with one file. */
  readonly single: string
  /** The folder with two shards and their index. */
  readonly sharded: string
}

/** Writes both into a folder for temporary files. */
export async function writeCheckpointFolders(): Promise<CheckpointFolders> {
  const root = mkdtempSync(join(tmpdir(), 'bifocal-folder-'))
  const [single, sharded] = [join(root, 'single'), join(root, 'sharded')]
  for (const dir of [single, sharded]) {
    mkdirSync(dir)
    writeFileSync(join(dir, 'config.json'), '{"model_type": "llava"}')
  }
  await writeSafetensors(join(single, 'model.safetensors'), tensors)
  await writeSafetensors(join(sharded, shards.a!), { a: tensors.a })
  await writeSafetensors(join(sharded, shards.b!), { b: tensors.b })
  writeIndex(sharded, shards)
  return { root, single, sharded }
}

/** Writes an index that says in which file each tensor lies. */
export function writeIndex(dir: string, map: Record<string, string>, stem = 'model'): void {
  writeFileSync(
    join(dir, `${stem}.safetensors.index.json`),
    JSON.stringify({ metadata: { total_size: 12 }, weight_map: map }),
  )
}

/** Makes a copy to spoil, beside the folder. */
export function copyOf(dir: string): string {
  const copy = mkdtempSync(`${dir}-copy-`)
  cpSync(dir, copy, { recursive: true })
  return copy
}
