/** @file Runs `bifocal verify --golden` as a user does and reads what it printed. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { readJson } from '../../src/checkpoint/file.ts'
import { familyOf } from '../../src/families/registry.ts'
import type { Device } from '../../src/runtime/devices.ts'
import { gpuEnvironment } from '../../test/software-gpu.ts'

const fixtureSchema = z.looseObject({
  kind: z.string(),
  /** By stage; some kinds have a number, or numbers of a further part within. */
  tolerance: z.unknown(),
  versions: z.record(z.string(), z.string()).optional(),
})

export interface Fixture {
  readonly dir: string
  readonly name: string
  readonly kind: string
  /** Of the model; absent for fixtures without one. */
  readonly family: string | undefined
  /** Smallest and largest absolute tolerance of a stage; absent where each case has its own. */
  readonly tolerance: readonly [smallest: number, largest: number] | undefined
  readonly versions: Readonly<Record<string, string>>
}

/** @throws FileError when the folder is no fixture */
export async function readFixture(root: string, name: string): Promise<Fixture> {
  const dir = join(root, name)
  const { kind, tolerance, versions = {} } = await readJson(join(dir, 'cases.json'), fixtureSchema)
  const config = kind === 'model' ? await readJson(join(dir, 'checkpoint/config.json'), z.record(z.string(), z.unknown())) : undefined
  const allowed = numbersIn(tolerance)
  return {
    dir,
    name,
    kind,
    family: config && familyOf(config),
    tolerance: allowed.length > 0 ? [Math.min(...allowed), Math.max(...allowed)] : undefined,
    versions,
  }
}

/** All numbers of a value, however deep. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

const reportSchema = z.object({
  expected: z.number(),
  compared: z.number(),
  /** JSON has no infinity: a stage that differs in kind has `null`. */
  stages: z.array(z.object({ stage: z.string(), worst: z.number().nullable() })),
  failure: z.object({ case: z.string(), stage: z.string() }).optional(),
})

export type Verification = z.infer<typeof reportSchema> | { readonly refused: string }

/**
 * @param cli path of the built command line
 * @returns its report, also where something differs; `refused` with the code of the error where nothing was compared
 */
export async function verification(cli: string, { dir }: Fixture, device: Device): Promise<Verification> {
  const env = device === 'webgpu' ? gpuEnvironment() : process.env
  if (env === undefined) return { refused: 'no GPU, none in software' }
  const run = promisify(execFile)
  const printed = await run(process.execPath, [cli, 'verify', '--golden', dir, '--device', device, '--json'], {
    env,
    maxBuffer: 2 ** 26,
  }).catch((failed: unknown) => z.object({ stdout: z.string(), stderr: z.string() }).parse(failed))
  if (printed.stdout.trim() !== '') return reportSchema.parse(JSON.parse(printed.stdout))
  return { refused: /error \[([^\]]+)\]/.exec(printed.stderr)?.[1] ?? 'no report' }
}
