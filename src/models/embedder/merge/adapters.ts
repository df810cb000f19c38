/** @file Joins several adapters of one base into one adapter folder. */

import { isDeepStrictEqual } from 'node:util'
import { checkOptions } from '../../../foundation/files/options.ts'
import type { Adapter } from '../../checkpoint/adapter.ts'
import { weightFinder } from '../../checkpoint/adapter-binding.ts'
import { writeAdapter } from '../../checkpoint/adapter-folder.ts'
import { type MixMethod, mixedAdapter } from '../../checkpoint/adapter-mix.ts'
import { requireEmpty } from '../../checkpoint/changed-copy.ts'
import { CheckpointError } from '../../checkpoint/errors.ts'
import type { Checkpoint } from '../../checkpoint/folder.ts'
import type { Model } from '../../families/model.ts'
import { modelParameters } from '../../families/parameters.ts'
import { baseReference } from '../base.ts'
import { type Contract, writeContract } from '../contract.ts'
import { EmbedderError } from '../errors.ts'
import { checkpointFingerprint } from '../fingerprint.ts'
import { joinOptionSchemas } from '../options.ts'
import { type LoadOptions, openSubject, type Subject } from '../subject.ts'

export interface JoinOptions extends Pick<LoadOptions, 'preset' | 'warn' | 'onDownload' | 'signal'> {
  /** A folder that does not exist, or is empty. */
  out: string
  /** One for each adapter, above 0; they are scaled to the sum 1. Default: equal. */
  weights?: readonly number[]
  /**
   * `mean` (default) of the adapters' changes; `slerp`: between two of them along the sphere, the
   * second's weight being how far.
   */
  method?: MixMethod
  /** Of every update; default: the sum of the adapters' ranks, which loses nothing. */
  rank?: number
}

export interface JoinedAdapter {
  folder: string
  modules: number
  /** The highest rank of an update. */
  rank: number
  /** The least share, over modules, of a change's squared length that `rank` keeps. */
  kept: number
}

/**
 * Reads adapter folders, checks that they are for one base, and writes their mean as a folder that
 * every command takes. Its contract is that of the first.
 * @throws EmbedderError `embedder/no-adapter`, `embedder/other-base`; CheckpointError
 *   `checkpoint/adapter-mix`, `checkpoint/out`; UsageError `usage/option`; what `openSubject`
 *   throws
 * @example await mergeAdapters(['tuned/a', 'tuned/b'], { weights: [2, 1], out: 'joined' })
 */
export async function mergeAdapters(models: readonly string[], given: JoinOptions): Promise<JoinedAdapter> {
  checkOptions('mergeAdapters', joinOptionSchemas, given, ['out'])
  const { out, weights, method, rank, ...options } = given
  await requireEmpty(out)
  if (weights !== undefined && weights.length !== models.length) {
    throw new CheckpointError('adapter-mix', {
      message: `${weights.length} weights for ${models.length} adapters`,
      hint: 'Give one weight for each adapter, in their order, or none for equal ones.',
    })
  }
  const opened: { name: string; subject: Subject; adapter: Adapter }[] = []
  for (const name of models) {
    const subject = await openSubject(name, options)
    if (subject.adapter === undefined) throw noAdapter(name)
    opened.push({
      name,
      subject,
      adapter: withRuntimeNames(subject.adapter, subject.model, subject.encoder.checkpoint),
    })
  }
  await requireOneBase(opened)
  const { adapter, kept } = mixedAdapter(
    opened.map((own, i) => ({ name: own.name, adapter: own.adapter, weight: weights?.[i] ?? 1 })),
    { ...(method === undefined ? {} : { method }), ...(rank === undefined ? {} : { rank }) },
  )
  const [first] = opened
  const { contract, checkpoint } = first!.subject.encoder
  for (const { name, subject } of opened.slice(1))
    if (!isDeepStrictEqual(reading(subject.encoder.contract), reading(contract)))
      options.warn?.(
        `${name} reads items or states in another way than ${first!.name}, whose contract is kept`,
      )
  const { contractBase, peftBase, ...named } = await baseReference(out, checkpoint)
  await writeAdapter(out, { ...adapter, config: { ...adapter.config, ...named, baseModel: peftBase } })
  const { golden: _golden, ...rest } = contract
  await writeContract(out, { ...rest, base: contractBase, adapter: '.' })
  return { folder: out, modules: adapter.modules.size, rank: adapter.config.rank, kept }
}

/** The same adapter with the names of the running model, whatever spelling it was saved in. */
function withRuntimeNames(adapter: Adapter, model: Model, { tensors }: Checkpoint): Adapter {
  const parameters = modelParameters(model)
  const find = weightFinder({ parameters, spellings: model.weightSpellings, tensors })
  const tensor = (spelled: string) => {
    const found = find(spelled)
    return found === undefined ? spelled : model.runtimeName(found.name)
  }
  const module = (spelled: string) => tensor(`${spelled}.weight`).replace(/\.weight$/, '')
  const { replaced, rows } = adapter
  return {
    ...adapter,
    modules: new Map([...adapter.modules].map(([name, update]) => [module(name), update])),
    ...(replaced && { replaced: new Map([...replaced].map(([name, value]) => [tensor(name), value])) }),
    ...(rows && { rows: new Map([...rows].map(([name, value]) => [module(name), value])) }),
  }
}

/** @throws EmbedderError `embedder/other-base` */
async function requireOneBase(opened: readonly { name: string; subject: Subject }[]): Promise<void> {
  const [first, ...others] = opened
  if (first === undefined) return
  const hashOf = async ({ encoder }: Subject) => await checkpointFingerprint(encoder.checkpoint)
  const wanted = await hashOf(first.subject)
  for (const { name, subject } of others) {
    if ((await hashOf(subject)) === wanted) continue
    throw new EmbedderError('other-base', {
      message: `${name} is an adapter of ${subject.encoder.checkpoint.dir}, ${first.name} one of ${first.subject.encoder.checkpoint.dir}: their weights or settings differ`,
      hint: 'Only changes of the same weights can be joined.',
    })
  }
}

/** Everything in a contract but where things lie. */
function reading({ base: _base, adapter: _adapter, golden: _golden, ...rest }: Contract): unknown {
  return rest
}

function noAdapter(name: string): EmbedderError {
  return new EmbedderError('no-adapter', {
    message: `${name} has no adapter to join with the others`,
    hint: 'Give adapter folders, or tuned models that have one.',
  })
}
