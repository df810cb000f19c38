/** @file The models and baselines of a run: each makes vectors, and sees tasks in its own way. */

import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { shippedByName } from '../../../foundation/files/shipped.ts'
import { packageVersion } from '../../../foundation/files/version.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import type { Task } from '../../../inputs/data/task.ts'
import { Embedder } from '../../../models/embedder/embedder.ts'
import { type LoadOptions, openSubject, type Subject } from '../../../models/embedder/subject.ts'
import { makerOf, type VectorMaker } from '../../../models/embedder/vectors/maker.ts'
import { modelParameters } from '../../../models/families/parameters.ts'
import { checkWeights } from '../../../models/families/weights.ts'
import { baselinesNamed } from '../baselines/table.ts'
import { captionMaker, captionSubject } from '../dual-encoder.ts'
import { isVisionLanguage, labelOf, maskOf, readoutWords } from '../words.ts'
import { type RunModel, sha256 } from './files.ts'

export interface Contestant {
  readonly model: RunModel
  /** The model behind it, where it has one: its cost is foretold. */
  readonly subject?: Subject
  /** The model's own token of a picture, for placeholders that are kept in texts. */
  readonly imageToken?: string | undefined
  /** Opens it for a while. The vectors are stored under `model.fingerprint`. */
  open(): Promise<OpenContestant>
  /**
   * The task as this one sees it: with shuffled pictures, say. The rows stay the same ones.
   * Undefined where it cannot be scored on the task. Default: as it is.
   */
  seen?(task: Task): Task | undefined
}

interface OpenContestant {
  readonly maker: VectorMaker
  close(): Promise<void>
}

/**
 * Models as contestants, each found and checked, no weight read.
 * @param paths as `Embedder.load` takes them
 * @param taken labels and ids that others of the run have
 * @throws as `openSubject`
 */
export async function modelContestants(
  paths: readonly string[],
  options: LoadOptions,
  taken: readonly string[] = [],
): Promise<Contestant[]> {
  const version = await packageVersion()
  const ids = uniqueIds(paths.map(nameOf), taken)
  const made: Contestant[] = []
  for (const [i, path] of paths.entries()) {
    const opened = await openSubject(path, options)
    const isDual = opened.model.kind === 'dual-encoder'
    const subject = isDual ? captionSubject(opened) : opened
    const { model, encoder } = subject
    checkWeights(
      modelParameters(model, isDual ? { scale: false } : { head: false }),
      encoder.checkpoint,
      model.weightSpellings,
    )
    const id = ids[i]!
    const open = async () => {
      const embedder = await Embedder.over(subject)
      const maker = await (isDual ? captionMaker(embedder, id) : makerOf(embedder, { id }))
      return { maker: { ...maker, hash: versioned(version, maker.hash) }, close: () => embedder.close() }
    }
    const { maker, close } = await open()
    await close()
    made.push({
      subject,
      open,
      ...(isVisionLanguage(subject) && { imageToken: encoder.contract.prompt.placeholder }),
      model: {
        id,
        label: labelOf(id),
        role: 'model',
        family: model.family,
        objective: isDual ? 'contrastive' : (encoder.contract.objective ?? model.objective),
        attention: isVisionLanguage(subject) ? maskOf(subject) : 'bidirectional',
        readout: isDual ? 'pooled by the model' : readoutWords(encoder.contract.readout),
        readouts: [...maker.readouts],
        fingerprint: maker.hash,
        parameters: modelParameters(model, isDual ? {} : { head: false }).reduce(
          (sum, { dims }) => sum + sizeOf(dims),
          0,
        ),
      },
    })
  }
  return made
}

/** Another version of the package may compute otherwise. */
function versioned(version: string, hash: string): string {
  return sha256(JSON.stringify([version, hash]))
}

/** A model's name in tables: the last part of its path, without a revision. */
function nameOf(path: string): string {
  const plain = existsSync(path) ? path : path.replace(/@[^/]*$/, '')
  return basename(shippedByName(plain) ?? plain) || 'model'
}

/** Names that differ, also where case does not count: later ones are numbered. */
export function uniqueIds(names: readonly string[], taken: readonly string[] = []): string[] {
  const known = new Set(taken.map((one) => one.toLowerCase()))
  return names.map((name) => {
    for (let count = 1; ; count++) {
      const id = count === 1 ? name : `${name}-${count}`
      if (known.has(id.toLowerCase())) continue
      known.add(id.toLowerCase())
      return id
    }
  })
}

/**
 * Baselines as contestants: those without a model once, those that show a model a part of each
 * query once for each model. Numbers that follow from a task alone stand in the run anyway.
 * @throws UsageError `usage/option` for a name that no baseline has
 */
export function baselineContestants(
  names: readonly string[],
  models: readonly Contestant[],
  seed: number,
): Contestant[] {
  return baselinesNamed(names).flatMap((baseline): Contestant[] => {
    if (baseline.kind === 'number') return []
    const { name, label } = baseline
    if (baseline.kind === 'seen')
      return models.map((contestant) => ({
        ...contestant,
        model: {
          ...contestant.model,
          id: `${contestant.model.id}-${name}`,
          label: `${contestant.model.label}, ${label}`,
          role: 'baseline',
        },
        seen: (task) => baseline.seen(task, seed),
      }))
    const { maker, applies } = baseline
    return [
      {
        model: {
          id: name,
          label,
          role: 'baseline',
          family: null,
          objective: 'none',
          attention: 'none',
          readout: label,
          readouts: [...maker.readouts],
          fingerprint: maker.hash,
          parameters: null,
        },
        open: async () => ({ maker, close: async () => {} }),
        seen: (task) => (applies(task) ? task : undefined),
      },
    ]
  })
}
