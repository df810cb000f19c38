/** @file The models of a study, opened and checked before anything is computed. */

import { existsSync } from 'node:fs'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { tunableModel } from '../../learning/tuning/tunable.ts'
import { fingerprintOf } from '../../models/embedder/fingerprint.ts'
import { fingerprintParts, openSubject, type Subject } from '../../models/embedder/subject.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { checkWeights } from '../../models/families/weights.ts'
import { inMegabytes } from '../../models/hub/progress.ts'
import { captionSubject } from '../benchmark/dual-encoder.ts'
import type { VisionLanguageSubject } from '../benchmark/words.ts'
import { idsOf } from './names.ts'
import type { StudyOptions, StudySetting } from './options.ts'

/** A model that was opened, before anything is computed. */
export interface PlannedModel {
  id: string
  subject: Subject
  /** Of all that decides its vectors. */
  fingerprint: string
}

/**
 * Opens all models before anything is computed, one after another: models that are known by their
 * name on the hub are fetched, a folder that lacks weights is told at once.
 */
export async function plannedModels(
  { models, tune, device, dtype, threads }: StudySetting,
  { signal, onProgress, warn }: StudyOptions,
): Promise<PlannedModel[]> {
  if (models.length === 0) {
    throw new UsageError('arguments', {
      message: 'a study of no models',
      hint: 'Name models (--models); without any the shipped twins are studied.',
    })
  }
  const ids = idsOf(models.map((model) => (existsSync(model) ? model : model.replace(/@[^/]*$/, ''))))
  const planned: PlannedModel[] = []
  /** Fingerprint → the model that has it. */
  const known = new Map<string, string>()
  for (const [i, model] of models.entries()) {
    const onDownload = (at: Parameters<typeof inMegabytes>[0]) => onProgress?.(inMegabytes(at))
    const opened = await openSubject(model, { device, dtype, threads, signal, warn, onDownload })
    const subject = isVisionLanguage(opened) ? opened : captionSubject(opened)
    const parts = subject.model.kind === 'dual-encoder' ? { scale: false } : { head: false }
    const { checkpoint } = subject.encoder
    checkWeights(modelParameters(subject.model, parts), checkpoint, subject.model.weightSpellings)
    if (tune && isVisionLanguage(subject)) tunableModel(subject)
    const fingerprint = await fingerprintOf(fingerprintParts(subject))
    const same = known.get(fingerprint)
    if (same !== undefined) warn?.(`${model} is the same model as ${same}: nothing can tell the two apart`)
    known.set(fingerprint, model)
    planned.push({ id: ids[i]!, subject, fingerprint })
  }
  return planned
}

export function isVisionLanguage(subject: Subject): subject is VisionLanguageSubject {
  return subject.model.kind === 'vision-language'
}
