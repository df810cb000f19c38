/**
 * @file A tuned model as a folder that every command takes, and Python too: an adapter in PEFT's
 * layout or a whole checkpoint, and the contract that says how to read it.
 */

import { writeAdapter } from '../../models/checkpoint/adapter-folder.ts'
import { writeChangedCopy } from '../../models/checkpoint/changed-copy.ts'
import { baseReference } from '../../models/embedder/base.ts'
import { writeContract } from '../../models/embedder/contract.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { checkpointWeights } from '../../models/families/weights.ts'
import type { Trained } from './trained/trained.ts'
import type { TunableModel } from './tunable.ts'

export interface TunedFolderOptions {
  /** The model that was tuned, as it was before. */
  model: TunableModel
  trained: Pick<Trained, 'result'>
  /** The readout that was chosen; default: the contract's. */
  readout?: Readout
  signal?: AbortSignal
}

/**
 * Writes what was trained as a folder that every command takes. An adapter comes in PEFT's layout:
 * the contract names the base by its name where it has one, else by its path from here, and by a
 * hash of its weights; `adapter_config.json` names it as PEFT can find it. Weights that were
 * trained themselves come as a checkpoint of their own, in the dtypes of the base, which
 * transformers opens too.
 * @throws CheckpointError `checkpoint/overflow`; FileError for what can't be written
 */
export async function writeTrained(
  dir: string,
  { model: tunable, trained, readout, signal }: TunedFolderOptions,
): Promise<void> {
  const { model, checkpoint, contract } = tunable
  const { golden: _, adapter: _adapter, ...given } = contract
  const kept = { ...given, readout: readout ?? contract.readout }
  const result = trained.result()
  if (result.kind === 'weights') {
    const stored = checkpointWeights(checkpoint, model.weightSpellings)
    const values = new Map(
      Object.entries(result.weights).map(([name, value]) => [stored.find(name)?.name ?? name, value]),
    )
    await writeChangedCopy(dir, {
      base: checkpoint,
      changed: new Set(values.keys()),
      valueFor: async (name) => values.get(name)!,
      // A tuning that was stopped while it wrote writes again.
      replace: true,
      signal,
    })
    await writeContract(dir, { ...kept, base: { path: '.' } })
    return
  }
  const { config, ...adapter } = result.adapter
  const { contractBase, peftBase, ...named } = await baseReference(dir, checkpoint)
  await writeAdapter(dir, { ...adapter, config: { ...config, ...named, baseModel: peftBase } })
  await writeContract(dir, { ...kept, base: contractBase, adapter: '.' })
}
