/**
 * @file The subject of a vision-language case: the model and its sessions, the case's items as one
 * padded batch, and the comparison of one tensor.
 */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import type { PreparedItem, Processor } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import type { ModelCase, ModelFixture } from './model-fixture.ts'
import type { ModelSessions } from './model-sessions.ts'

export interface VisionLanguageSubject {
  fixture: ModelFixture
  model: VisionLanguageModel
  /** Names the model's config: cases can have different ones. */
  key: string
  processor: Processor
  sessions: ModelSessions
  recorder: VerifyRecorder
}

/** Where an item's tokens lie in its row of a batch. */
export interface Place {
  start: number
  length: number
}

/** The items of a case, padded to one length. */
export interface Batch {
  prepared: readonly PreparedItem[]
  /** Each item's image rows `[rows, hidden]`. */
  rows: readonly Tensor<'f32'>[]
  places: readonly Place[]
  seq: number
}

/**
 * The case that says how an item is made and what it must equal: the case itself, or, in a batch
 * that repeats other cases, the one that the item's row names.
 * @returns `undefined` where the fixture has no case of that name
 */
export function caseOfItem(at: ModelCase, item: number, fixture: ModelFixture): ModelCase | undefined {
  const { rows } = at.expect
  return rows === undefined ? at : fixture.cases.find(({ name }) => name === rows[item])
}

/** The part of a padded row that is no padding. */
export function realOnes(
  ids: readonly number[] | undefined,
  keep: readonly number[] | undefined,
): number[] | undefined {
  return ids?.filter((_, position) => ids.length !== keep?.length || keep[position] === 1)
}

/** Compares one tensor, or reports that the fixture lacks it. */
export function compareOne(
  { at, tolerance, label, name }: { at: ModelCase; tolerance: number; label: string; name: string },
  got: Tensor<'f32'> | undefined,
  expected: Tensor<'f32'> | undefined,
  { recorder }: VisionLanguageSubject,
): void {
  const where = { case: at.name, stage: label, key: name }
  if (expected === undefined) recorder.check(where, false, `the fixture has no tensor ${name}`)
  else recorder.compare(where, got, expected, tolerance)
}
