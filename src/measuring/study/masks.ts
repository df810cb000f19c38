/**
 * @file The masks under which a study runs a model: its own, and others that its decoder and config
 * allow.
 */

import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import { attentionOf } from '../../models/embedder/attention.ts'
import { defaultContract } from '../../models/embedder/contract.ts'
import { withState } from '../../models/embedder/subject.ts'
import { decoderInputs } from '../../models/families/decoder-inputs.ts'
import { labelOf, type Mask, maskOf, type VisionLanguageSubject } from '../benchmark/words.ts'
import { maskedId } from './names.ts'
import type { StudySetting } from './options.ts'

/** A model under one mask: one participant of a study. */
interface MaskedModel {
  readonly id: string
  readonly label: string
  readonly subject: VisionLanguageSubject
}

/** A model and the masks that it is studied under: its own first. */
export interface StudiedModel {
  readonly id: string
  readonly masked: readonly [MaskedModel, ...MaskedModel[]]
  /** Masks that were asked for and cannot be run, each with the reason. */
  readonly left: readonly { readonly mask: Mask; readonly reason: string }[]
}

interface Named {
  readonly id: string
  readonly subject: VisionLanguageSubject
}

/** Every model under its own mask alone; with a shared base under the others too. */
export function studiedModels(models: readonly Named[], { sharedBase }: StudySetting): StudiedModel[] {
  if (sharedBase === undefined)
    return models.map(({ id, subject }) => ({ id, masked: [{ id, label: labelOf(id), subject }], left: [] }))
  const blocks = models.map(({ subject }) => blockOf(subject))
  const blockSize = sharedBase.blockSize ?? blocks.find((block) => block !== undefined)
  return models.map((model) => underMasks(model, sharedBase.masks, blockSize))
}

function underMasks({ id, subject: given }: Named, masks: readonly Mask[], blockSize?: number): StudiedModel {
  const subject = readAlike(given)
  const own = maskOf(subject)
  const masked: [MaskedModel, ...MaskedModel[]] = [{ id, label: maskedLabel(id, subject), subject }]
  const left: { mask: Mask; reason: string }[] = []
  for (const mask of masks) {
    if (mask === own || left.some((one) => one.mask === mask)) continue
    const changed = underMask(subject, mask, blockSize)
    const reason = refusalOf(changed)
    if (reason !== undefined) left.push({ mask, reason })
    else masked.push({ id: maskedId(id, mask), label: maskedLabel(id, changed), subject: changed })
  }
  return { id, masked, left }
}

function underMask(subject: VisionLanguageSubject, mask: Mask, blockSize?: number): VisionLanguageSubject {
  const size = mask === 'block' && blockOf(subject) === undefined ? blockSize : undefined
  const changed = withState(subject, { contract: { attention: mask, blockSize: size } })
  return { ...changed, model: subject.model }
}

/**
 * The model with the prompt of its chat template, its processor's pictures and poolings that the
 * study chooses, so that models differ in weights and mask alone. Of a contract or preset only the
 * mask is kept.
 */
function readAlike(subject: VisionLanguageSubject): VisionLanguageSubject {
  const { attention, blockSize, objective, base, adapter, golden, dtype } = subject.encoder.contract
  const plain = defaultContract(subject.model)
  const contract = { ...plain, attention, blockSize, objective, base, adapter, golden, dtype }
  return {
    ...subject,
    decided: false,
    preset: undefined,
    encoder: { ...subject.encoder, contract, readouts: [contract.readout] },
    names: [],
  }
}

/** Positions of a block of the model's own mask. */
function blockOf({ model, encoder }: VisionLanguageSubject): number | undefined {
  const { nativeAttention: native } = model.shape
  return encoder.contract.blockSize ?? (typeof native === 'object' ? native.block : undefined)
}

/** `Qwen2.5-VL-3B, causal`; blocks with their size. */
function maskedLabel(id: string, subject: VisionLanguageSubject): string {
  const mask = maskOf(subject)
  return `${labelOf(id)}, ${mask === 'block' ? `blocks of ${blockOf(subject)}` : mask}`
}

/** Why a decoder cannot run under its mask; undefined where it can. Only a graph is built. */
function refusalOf({ model, encoder }: VisionLanguageSubject): string | undefined {
  try {
    const graph = new Graph()
    const attention = attentionOf(encoder.contract, model.shape)
    model.buildDecoder(rootScope(graph), decoderInputs(graph, model.shape), { attention })
    return undefined
  } catch (error) {
    if (error instanceof BifocalError) return error.message
    throw error
  }
}
