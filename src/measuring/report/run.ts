/**
 * @file `run.json`, schema version 1: what varies between two runs of one study: when, where, how
 * long, with which versions.
 */

import { join } from 'node:path'
import { z } from 'zod'
import { canonicalJson } from '../../foundation/files/canonical-json.ts'
import { readJson } from '../../foundation/files/file.ts'
import { ReportError } from './errors.ts'

const name = z.string().min(1)

/** A phase of the study and what it took. */
const phaseSchema = z.strictObject({
  name,
  seconds: z.number().nonnegative(),
  /** Items taken from the store instead of computed. */
  resumed: z.int().nonnegative().optional(),
})

const runSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** ISO 8601, UTC. */
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** The command line as it was typed. */
  argv: z.array(z.string()),
  phases: z.array(phaseSchema),
  machine: z.strictObject({
    platform: name,
    arch: name,
    cpu: z.string(),
    cores: z.int().positive(),
    memoryBytes: z.int().positive(),
    device: z.enum(['cpu', 'webgpu', 'cuda']),
    dtype: name,
    threads: z.int().nonnegative(),
  }),
  /** Package → version, e.g. bifocal, node, onnxruntime-node. */
  versions: z.record(name, name),
  /** Peak resident memory of the process. */
  peakMemoryBytes: z.int().nonnegative().optional(),
  /** Items that could not be read, with the reason. */
  badItems: z.array(z.strictObject({ dataset: name, row: z.string(), reason: name })),
})

export type StudyRun = z.infer<typeof runSchema>

/**
 * Reads `run.json` of a study.
 * @throws FileError `file/missing`, `file/json`, `file/schema`
 */
export async function readRun(folder: string): Promise<StudyRun> {
  return await readJson(join(folder, 'run.json'), runSchema)
}

/**
 * The bytes of `run.json`.
 * @throws ReportError `report/run-schema`.
 */
export function serializeRun(run: StudyRun): string {
  const parsed = runSchema.safeParse(run)
  if (parsed.success) return canonicalJson(parsed.data)
  throw new ReportError('run-schema', {
    message: `run.json breaks its schema: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
    hint: 'This is a fault of the code that fills it.',
  })
}
