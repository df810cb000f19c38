/**
 * @file A tuned model as a folder that every command takes, and PEFT too: the adapter in PEFT's
 * layout, and the contract that says how to read it.
 */

import { relative, resolve } from 'node:path'
import { isShipped, shippedNameOf } from '../../foundation/files/shipped.ts'
import { writeAdapter } from '../../models/checkpoint/adapter-folder.ts'
import type { Checkpoint } from '../../models/checkpoint/folder.ts'
import { type Contract, writeContract } from '../../models/embedder/contract.ts'
import { checkpointFingerprint } from '../../models/embedder/fingerprint.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { snapshotRepository } from '../../models/hub/repository.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { type TunedPart, tunedAdapter } from './trained.ts'
import type { TunableModel } from './tunable.ts'

export interface TunedFolderOptions {
  /** The model that was tuned, as it was before. */
  model: TunableModel
  part: Extract<TunedPart, { tune: 'lora' }>
  parameters: NamedArrays
  /** The readout that was chosen. */
  readout: Readout
}

/**
 * Writes the folder. Its contract names the base by its name where it has one, else by its path
 * from here, and by a hash of its weights; `adapter_config.json` names it as PEFT can find it.
 * @throws CheckpointError, FileError for what can't be written
 */
export async function writeTuned(
  dir: string,
  { model: tunable, part, parameters, readout }: TunedFolderOptions,
): Promise<void> {
  const { model, checkpoint, contract } = tunable
  const { config, ...adapter } = tunedAdapter(model, part, parameters)
  const base = await baseOf(dir, checkpoint)
  const published = snapshotRepository(checkpoint.dir)
  await writeAdapter(dir, {
    ...adapter,
    config: {
      ...config,
      baseModel: published?.id ?? resolve(checkpoint.dir),
      revision: published?.revision ?? null,
    },
  })
  const { golden: _, ...kept } = contract
  await writeContract(dir, { ...kept, base, adapter: '.', readout })
}

/** How a contract in `dir` finds the checkpoint again, on this machine or another one. */
async function baseOf(dir: string, checkpoint: Checkpoint): Promise<Contract['base']> {
  const sha256 = await checkpointFingerprint(checkpoint)
  const published = snapshotRepository(checkpoint.dir)
  if (published !== undefined) return { path: published.id, revision: published.revision, sha256 }
  if (isShipped(checkpoint.dir)) return { path: shippedNameOf(checkpoint.dir), sha256 }
  return { path: relative(dir, checkpoint.dir) || '.', sha256 }
}
