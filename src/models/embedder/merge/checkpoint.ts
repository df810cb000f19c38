/**
 * @file Merges the adapter of a model into its base: a plain checkpoint that needs no adapter,
 * which transformers opens too.
 */

import { checkOptions } from '../../../foundation/files/options.ts'
import { mergedEdits } from '../../checkpoint/adapter-binding.ts'
import { writeChangedCopy } from '../../checkpoint/changed-copy.ts'
import { adaptedWeights } from '../../families/adapted.ts'
import { storedWeights } from '../../families/model-weights.ts'
import { checkpointWeights } from '../../families/weights.ts'
import { writeContract } from '../contract.ts'
import { EmbedderError } from '../errors.ts'
import { mergeOptionSchemas } from '../options.ts'
import { type LoadOptions, openSubject } from '../subject.ts'

export interface MergeOptions
  extends Pick<LoadOptions, 'adapter' | 'preset' | 'warn' | 'onDownload' | 'signal'> {
  /** A folder that does not exist, or is empty. */
  out: string
  onProgress?: (progress: { label: string; done: number; total: number }) => void
}

export interface MergedModel {
  folder: string
  /** Names, in the files, of the weights that changed. */
  changed: string[]
}

/**
 * Writes the base with the adapter merged into it: sums in f64, results in the dtypes of the base,
 * in the same files. Settings, tokenizer and processor are copied. The folder gets the model's
 * contract, but no golden vectors: rounded weights give slightly others. One weight at a time is in
 * memory.
 * @param model a folder or name that brings an adapter, or the base of `options.adapter`
 * @throws EmbedderError `embedder/no-adapter`; CheckpointError `checkpoint/out`,
 *   `checkpoint/overflow`, `checkpoint/adapter-target`; UsageError `usage/option`; what
 *   `openSubject` throws
 * @example await mergeModel('tuned/my-model', { out: 'merged' })
 */
export async function mergeModel(model: string, given: MergeOptions): Promise<MergedModel> {
  checkOptions('mergeModel', mergeOptionSchemas, given, ['out'])
  const { out, onProgress, ...options } = given
  const subject = await openSubject(model, options)
  const { encoder, adapter } = subject
  const { checkpoint, contract } = encoder
  if (adapter === undefined) {
    throw new EmbedderError('no-adapter', {
      message: `${model} has no adapter: nothing is to be merged`,
      hint: 'Give the folder of the adapter or of a tuned model, or name the adapter with --adapter.',
    })
  }
  const base = storedWeights(checkpoint, subject.model)
  const weights = adaptedWeights({ checkpoint, model: subject.model, adapter, base })
  const stored = checkpointWeights(checkpoint, subject.model.weightSpellings)
  const edited = weights.bound === undefined ? [] : [...mergedEdits(weights.bound).keys()]
  const fileNames = new Map(edited.map((name) => [stored.find(name)?.name ?? name, name] as const))
  const changed = [...fileNames.keys()]
  await writeChangedCopy(out, {
    base: checkpoint,
    changed: new Set(changed),
    valueFor: async (name) => await weights.read(fileNames.get(name)!),
    onProgress: onProgress && (({ done, total }) => onProgress({ label: 'merge', done, total })),
    signal: options.signal,
  })
  const { golden: _golden, adapter: _adapter, ...kept } = contract
  await writeContract(out, { ...kept, base: { path: '.' } })
  return { folder: out, changed }
}
