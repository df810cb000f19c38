/** @file Verifies a whole model against the reference, stage by stage. */

import { basename, join } from 'node:path'
import type { Device } from '../../engine/runtime/devices.ts'
import type { Checkpoint } from '../../models/checkpoint/folder.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import type { Model } from '../../models/families/model.ts'
import { openModel } from '../../models/families/open.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { checkWeights } from '../../models/families/weights.ts'
import { verifyDualEncoderCase } from './dual-encoder.ts'
import { type ModelCase, type ModelFixture, readModelFixture } from './model-fixture.ts'
import { ModelSessions } from './model-sessions.ts'
import { verifyVisionLanguageCase } from './vision-language.ts'

/** Given to the verifier of a further part of a fixture. A training loss is such a part. */
export interface FixtureContext {
  fixture: ModelFixture
  checkpoint: Checkpoint
  model: Model
  device: Device
  recorder: VerifyRecorder
}

export interface VerifyModelOptions {
  /** Default `cpu`. */
  device?: Device
  /**
   * Verifiers of further parts of the fixture. Each compares its own tensors.
   */
  also?: readonly ((context: FixtureContext) => Promise<void>)[]
}

/**
 * Compares every case and item of a model fixture: prompt, pixel values, ids, then each stage in
 * the order of the computation. Padded batches run padded and are compared at real positions. An
 * expected tensor that nothing compares is a failure.
 * @param dir a fixture: `checkpoint/`, `images/`, `cases.json`, `expected.safetensors`
 * @throws FileError, CheckpointError, FamilyError when the folder is no fixture, or its checkpoint
 *   no model
 * @example const report = await verifyModel('golden/llava'); report.failure // undefined
 */
export async function verifyModel(
  dir: string,
  { device = 'cpu', also = [] }: VerifyModelOptions = {},
): Promise<VerifyReport> {
  const fixture = await readModelFixture(dir)
  const checkpoint = await openModel(join(dir, 'checkpoint'), { companion: fixture.companion })
  const recorder = new VerifyRecorder()
  const sessions = new ModelSessions(checkpoint, device)
  try {
    const model = modelOf(checkpoint.config, join(checkpoint.dir, 'config.json'))
    const head = fixture.cases.some(({ expect }) => 'logits.last' in expect.stages)
    checkWeights(modelParameters(model, { head }), checkpoint, model.weightSpellings)
    for (const at of fixture.cases) await verifyCase(at, fixture, checkpoint, sessions, recorder)
    for (const verify of also) await verify({ fixture, checkpoint, model, device, recorder })
  } finally {
    await sessions.close()
  }
  return recorder.report(basename(dir), 'model', fixture.expected.keys())
}

async function verifyCase(
  at: ModelCase,
  fixture: ModelFixture,
  checkpoint: Checkpoint,
  sessions: ModelSessions,
  recorder: VerifyRecorder,
): Promise<void> {
  const overrides = at.config_overrides ?? {}
  const model = modelOf({ ...checkpoint.config, ...overrides })
  if (model.kind === 'dual-encoder') {
    const processor = await model.processor(checkpoint.dir)
    await verifyDualEncoderCase(at, { fixture, model, processor, sessions, recorder })
  } else {
    const processor = await model.processor(checkpoint.dir)
    await verifyVisionLanguageCase(at, {
      fixture,
      model,
      key: JSON.stringify(overrides),
      processor,
      sessions,
      recorder,
    })
  }
}
