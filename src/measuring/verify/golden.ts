/** @file One entry to verification: reads the kind of a fixture and runs its verifier. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Device } from '../../engine/runtime/devices.ts'
import { readJson } from '../../foundation/files/file.ts'
import type { VerifyReport } from '../../models/embedder/golden/report.ts'

/** Kinds of fixtures: `kind` in `cases.json`, or in `expected.json` where there is no such file. */
export const fixtureKinds = ['model', 'ops', 'losses', 'tuning', 'run', 'merge', 'bench-mmeb'] as const
const fixture = z.looseObject({
  kind: z.enum(fixtureKinds, { error: `kind: expected one of ${fixtureKinds.join(', ')}` }),
})

type Verifier = (dir: string, options: { device?: Device }) => Promise<VerifyReport>

/** Each verifier is loaded when its kind is met: operators need no tokenizer, losses no model. */
const verifiers: { readonly [K in (typeof fixtureKinds)[number]]: () => Promise<Verifier> } = {
  ops: async () => (await import('./operators.ts')).verifyOperators,
  losses: async () => (await import('./losses.ts')).verifyLosses,
  tuning: async () => (await import('./tuning.ts')).verifyTuning,
  run: async () => (await import('./run.ts')).verifyRun,
  'bench-mmeb': async () => (await import('./mmeb/verify.ts')).verifyMmeb,
  merge: async () => (await import('./merge.ts')).verifyMerge,
  model: async () => {
    const [{ verifyModel }, { verifyMaskedDiffusion }, { verifyBlockDiffusion }, mmada] = await Promise.all([
      import('./model.ts'),
      import('./masked-diffusion.ts'),
      import('./block-diffusion.ts'),
      import('./mmada.ts'),
    ])
    const also = [
      verifyMaskedDiffusion,
      verifyBlockDiffusion,
      mmada.verifyImageDecoder,
      mmada.verifyUnderstandingLoss,
    ]
    return (dir, options) => verifyModel(dir, { ...options, also })
  },
}

/**
 * Compares every expected tensor of the fixture in `dir`.
 * @throws FileError `file/missing` when the folder is no fixture, `file/schema` when its kind is
 *   not known; the errors of the kind's verifier
 * @example const report = await verifyGolden('golden/llava'); report.failure // undefined when
 *   every tensor is equal
 */
export async function verifyGolden(dir: string, { device }: { device?: Device } = {}): Promise<VerifyReport> {
  const files = ['cases.json', 'expected.json'].map((name) => join(dir, name))
  const { kind } = await readJson(files.find((file) => existsSync(file)) ?? files[0]!, fixture)
  const verify = await verifiers[kind]()
  return await verify(dir, { device })
}
