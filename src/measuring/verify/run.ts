/**
 * @file Verifies a fixture of a whole training: every update of the trainer that `tune` uses, in
 * one graph and, where the fixture has it, by GradCache.
 * @see specs/vlm2vec-mmeb.md §5
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Device } from '../../engine/runtime/devices.ts'
import { readJson } from '../../foundation/files/file.ts'
import { type KeyedItem, keyItem, readItem } from '../../inputs/data/item.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import type { Pair } from '../../inputs/data/task.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import { TrainingError } from '../../learning/training/errors.ts'
import { judge } from '../../learning/training/stopping.ts'
import { fixedPlan } from '../../learning/tuning/batches.ts'
import { makeLoss } from '../../learning/tuning/losses/make.ts'
import { runTuning, type TuningRun, type TuningUpdate } from '../../learning/tuning/run.ts'
import { type Trained, trainedFromAdapter } from '../../learning/tuning/trained/trained.ts'
import type { Adapter } from '../../models/checkpoint/adapter.ts'
import { readAdapter } from '../../models/checkpoint/adapter-folder.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { defaultContract } from '../../models/embedder/contract.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import { sequencePreparer } from '../../models/embedder/sequence.ts'
import type { PreparedItem } from '../../models/families/family.ts'
import { storedWeights } from '../../models/families/model-weights.ts'
import { copiesOf, copyOf } from './adapter-copies.ts'
import { contractOf, lossOf, optimizerOf, runFixture, scheduleSettingsOf } from './run-fixture.ts'
import { compareJson, type RunSubject } from './run-subject.ts'
import {
  compareAdapter,
  compareGradients,
  compareOutcome,
  compareUpdates,
  compareVectors,
} from './run-values.ts'
import { openSubjectOf } from './tuning-subject.ts'

/** One training of a fixture. */
interface Training {
  /** Put before the names of its comparisons: empty, or `gradcache `. */
  readonly prefix: string
  readonly chunkTokens: number
}

/**
 * Compares every value that the fixture in `dir` records. A list (the losses of all updates, say)
 * counts as one.
 * @throws FileError, CheckpointError, FamilyError when the folder is no fixture; VerifyError
 *   `verify/fixture` for a dual encoder
 */
export async function verifyRun(
  dir: string,
  { device = 'cpu' }: { device?: Device } = {},
): Promise<VerifyReport> {
  const fixture = await readJson(join(dir, 'cases.json'), runFixture)
  const expected = await loadSafetensors(join(dir, 'tensors.safetensors'))
  const { checkpoint, model } = await openSubjectOf(dir)
  const contract = contractOf(fixture, defaultContract(model))
  const adapters = new Map<string, Adapter>()
  for (const name of ['0', ...Object.keys(fixture.tolerance.adapter)])
    adapters.set(name, await readAdapter(join(dir, `adapter-${name}`)))
  const items: KeyedItem[] = []
  for (const { prompt, images } of fixture.items) {
    const image = images.map((name) => join(dir, 'images', name))
    items.push(await keyItem({ text: prompt, image }, undefined, 'embed'))
  }
  const weights = storedWeights(checkpoint, model)
  const subject: RunSubject = {
    dir,
    fixture,
    expected,
    adapters,
    model: { dir: checkpoint.dir, model, checkpoint, contract, weights },
    items,
    device,
    recorder: new VerifyRecorder(),
    keys: new Set(expected.keys()),
  }
  const longest = await compareItems(subject)
  compareStopping(subject)
  await compareTraining(subject, { prefix: '', chunkTokens: Number.MAX_SAFE_INTEGER })
  const { gradcache } = fixture
  if (gradcache)
    await compareTraining(subject, { prefix: 'gradcache ', chunkTokens: gradcache.chunk * longest })
  return subject.recorder.report(basename(dir), 'run', subject.keys)
}

/** Ids, and which items are equal. @returns positions of the longest item */
async function compareItems(subject: RunSubject): Promise<number> {
  const { model: tunable, items, fixture } = subject
  const { model, checkpoint, contract } = tunable
  const prepare = await sequencePreparer(model, { checkpoint, contract, readouts: [contract.readout] })
  const prepared: PreparedItem[] = []
  for (const item of items) prepared.push(prepare(await readItem(item)).item)
  const ids = prepared.map(({ unsplicedIds, inputIds }) => unsplicedIds ?? inputIds)
  compareJson(subject, 'input_ids', ids, fixture.input_ids)
  const groups = items.map(({ key }) => items.findIndex((item) => item.key === key))
  compareJson(subject, 'groups', groups, fixture.groups)
  return Math.max(...prepared.map(({ inputIds }) => inputIds.length))
}

/** The rule of early stopping on given figures. */
function compareStopping(subject: RunSubject): void {
  for (const [i, series] of (subject.fixture.early_stopping?.series ?? []).entries()) {
    const { losses, every, patience, min_delta: minDelta, expect } = series
    const evaluations = losses.map((value, at) => ({ step: (at + 1) * every, value }))
    const { best, stopped } = judge(evaluations, { better: 'lower', patience, minDelta })
    const found = { stop_step: stopped?.step ?? null, best_step: best?.step ?? null }
    compareJson(subject, `early stopping series ${i}`, found, expect)
  }
}

/** Trains once, and compares all that is recorded of it. */
async function compareTraining(subject: RunSubject, training: Training): Promise<void> {
  const { dir, model, adapters, recorder } = subject
  const { prefix } = training
  const trained = trainedFromAdapter(model, copyOf(adapters.get('0')!))
  await compareVectors(subject, trained, 'before', prefix)
  const updates: TuningUpdate[] = []
  const values = new Map<string, NamedArrays>()
  const work = await mkdtemp(join(tmpdir(), 'bifocal-run-'))
  try {
    const outcome = await runTuning({
      ...optionsOf(subject, trained),
      chunkTokens: training.chunkTokens,
      dir: join(work, 'run'),
      onUpdate(update) {
        updates.push(update.update === 1 ? update : { ...update, gradients: {} })
        if (adapters.has(String(update.update)))
          values.set(String(update.update), copiesOf(trained.parameters))
        values.set('last', copiesOf(trained.parameters))
      },
    })
    values.set('best', copiesOf(trained.parameters))
    compareUpdates(subject, updates, prefix)
    compareOutcome(subject, outcome, updates.at(-1)?.scalarsAfter ?? {}, prefix)
  } catch (error) {
    // A training that stops is a miss, told by the update at which it stopped.
    if (!(error instanceof TrainingError)) throw error
    const at = { case: basename(dir), stage: `${prefix}update ${updates.length + 1}` }
    recorder.check(at, false, error.message)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  compareGradients(subject, trained, updates[0]?.gradients ?? {}, prefix)
  for (const name of adapters.keys())
    if (name !== '0') compareAdapter(subject, trained, name, values.get(name) ?? {}, prefix)
  for (const [name, { data }] of Object.entries(values.get('last') ?? {}))
    trained.parameters[name]!.data.set(data)
  await compareVectors(subject, trained, 'after', prefix)
}

/** The fixture's training as options of the trainer. */
function optionsOf({ dir, fixture, model, items, device }: RunSubject, trained: Trained) {
  const { early_stopping: stopping, dev_pairs: dev, pairs, plan, schedule, clip } = fixture
  const pairAt = (at: number): Pair => {
    const { query, target, negatives } = pairs[at]!
    return { query: items[query]!, target: items[target]!, negatives: negatives.map((item) => items[item]!) }
  }
  const refs = (rows: readonly number[]) => rows.map((row) => ({ source: 'pairs', row }))
  return {
    id: basename(dir),
    model,
    modelHash: basename(dir),
    trained,
    loss: makeLoss(lossOf(fixture)),
    readouts: { vector: model.contract.readout },
    sources: [
      memorySource(
        'pairs',
        pairs.map((_, at) => pairAt(at)),
      ),
    ],
    plan: fixedPlan(plan.map((update) => update.map(refs))),
    updates: schedule.total_steps,
    optimizer: optimizerOf(fixture),
    schedule: scheduleSettingsOf(fixture),
    clip: clip?.max_norm,
    dev: stopping &&
      dev && {
        sources: [memorySource('dev', dev.map(pairAt))],
        every: stopping.every,
        patience: stopping.patience,
        minDelta: stopping.min_delta,
      },
    settings: {},
    device,
  } satisfies Partial<TuningRun>
}
