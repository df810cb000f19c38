/** @file Runs `bifocal verify --golden` as a user does and reads what it printed. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Device } from '../../src/engine/runtime/devices.ts'
import { readJson } from '../../src/foundation/files/file.ts'
import { familyOf } from '../../src/models/families/registry.ts'
import type { Measured, Verification } from './measurements.ts'

const fixtureSchema = z.looseObject({
  kind: z.string(),
  /** By stage; some kinds have a number, or numbers of a further part within. */
  tolerance: z.unknown(),
  versions: z.record(z.string(), z.string()).optional(),
})

/** What a fixture says of itself. @throws FileError when the folder is no fixture */
export async function readFixture(root: string, name: string): Promise<Omit<Measured, 'reports'>> {
  const dir = join(root, name)
  const { kind, tolerance, versions } = await readJson(join(dir, 'cases.json'), fixtureSchema)
  const config =
    kind === 'model'
      ? await readJson(join(dir, 'checkpoint/config.json'), z.record(z.string(), z.unknown()))
      : undefined
  const allowed = numbersIn(tolerance)
  return {
    name,
    kind,
    family: config && familyOf(config),
    tolerance: [Math.min(...allowed), Math.max(...allowed)],
    versions,
  }
}

/** All numbers of a value, however deep. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

const printedSchema = z.object({
  expected: z.number(),
  compared: z.number(),
  /** JSON has no infinity: a stage that differs in kind has `null`. */
  stages: z.array(z.object({ stage: z.string(), worst: z.number().nullable() })),
  failure: z.object({ stage: z.string() }).optional(),
})

/**
 * @param cli path of the built command line
 * @param dir the fixture
 * @returns its report, also where something differs
 */
export async function verification(
  cli: string,
  dir: string,
  device: Device,
  env: NodeJS.ProcessEnv,
): Promise<Verification> {
  const args = [cli, 'verify', '--golden', dir, '--device', device, '--json']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    env,
    maxBuffer: 2 ** 26,
  }).catch((failed: unknown) => z.object({ stdout: z.string(), stderr: z.string() }).parse(failed))
  if (stdout.trim() === '') return { refused: /error \[([^\]]+)\]/.exec(stderr)?.[1] ?? 'no report' }
  const { expected, compared, stages, failure } = printedSchema.parse(JSON.parse(stdout))
  // Two digits are shown; what differs from machine to machine need not be kept.
  const shares = stages.map(({ stage, worst }) => [stage, worst && Number(worst.toPrecision(2))] as const)
  return { expected, compared, stages: Object.fromEntries(shares), failure: failure?.stage }
}
