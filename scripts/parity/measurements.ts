/**
 * @file The figures that verification printed, kept as docs/parity.json: a device can be measured
 * later than another, a fixture alone.
 */

import { z } from 'zod'
import { DEVICES, type Device } from '../../src/engine/runtime/devices.ts'
import { readJson, writeFileAtomic } from '../../src/foundation/files/file.ts'

const reportSchema = z.strictObject({
  /** Tensors that the fixture expects. */
  expected: z.number(),
  compared: z.number(),
  /**
   * Largest difference of each stage as a share of its tolerance, in the order of the computation;
   * `null`: differs in kind.
   */
  stages: z.record(z.string(), z.number().nullable()),
  /** The first stage that differs. */
  failure: z.string().optional(),
})

/** `refused` is the code of the error, where nothing was compared. */
const verificationSchema = z.union([reportSchema, z.strictObject({ refused: z.string() })])

const measuredSchema = z.strictObject({
  name: z.string(),
  kind: z.string(),
  /** Of the model; absent for fixtures without one. */
  family: z.string().optional(),
  /** Smallest and largest absolute tolerance of a stage. */
  tolerance: z.tuple([z.number(), z.number()]),
  /** Of the reference's libraries; some fixtures name none. */
  versions: z.record(z.string(), z.string()).optional(),
  reports: z.partialRecord(z.enum(DEVICES), verificationSchema),
})

export type Report = z.infer<typeof reportSchema>
export type Verification = z.infer<typeof verificationSchema>
/** One fixture and what was measured of it so far, by device. */
export type Measured = z.infer<typeof measuredSchema>

const fileSchema = z.strictObject({
  /** The Vulkan driver that computed for `webgpu`: the name of its manifest. */
  driver: z.string().optional(),
  fixtures: z.array(measuredSchema),
})

export type Measurements = z.infer<typeof fileSchema>

/** @throws FileError `file/missing`, `file/schema` */
export async function readMeasurements(path: string): Promise<Measurements> {
  return await readJson(path, fileSchema)
}

/** Writes the file that `readMeasurements` reads. */
export async function writeMeasurements(path: string, { driver, fixtures }: Measurements): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify({ driver, fixtures }, undefined, 1)}\n`)
}

/**
 * Adds a report: those of other devices stay. Fixtures are sorted by name, so that a later
 * measurement changes its own lines only.
 */
export function withReport(
  { fixtures, ...rest }: Measurements,
  fixture: Omit<Measured, 'reports'>,
  device: Device,
  report: Verification,
): Measurements {
  const known = fixtures.find(({ name }) => name === fixture.name)
  const measured = { ...fixture, reports: { ...known?.reports, [device]: report } }
  const all = [...fixtures.filter((other) => other !== known), measured]
  return { ...rest, fixtures: all.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}
