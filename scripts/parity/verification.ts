/** @file Runs `bifocal verify --golden` as a user does and reads what it printed. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Device } from '../../src/engine/runtime/devices.ts'
import { readJson } from '../../src/foundation/files/file.ts'
import { fixtureKinds } from '../../src/measuring/verify/golden.ts'
import { familyOf } from '../../src/models/families/registry.ts'
import type { Measured, Verification } from './measurements.ts'

const fixtureSchema = z.looseObject({
  kind: z.string(),
  /** Numbers by stage; some kinds have one number, or numbers inside a further part. */
  tolerance: z.unknown(),
  versions: z.record(z.string(), z.string()).optional(),
})
const configSchema = z.record(z.string(), z.unknown())

/** Reads what a fixture says of itself. @throws FileError when the folder is no fixture */
export async function readFixture(root: string, name: string): Promise<Omit<Measured, 'reports'>> {
  const dir = join(root, name)
  const { kind, tolerance, versions } = await readJson(describedIn(dir) ?? dir, fixtureSchema)
  const allowed = numbersIn(tolerance)
  return {
    name,
    kind,
    family:
      kind === 'model'
        ? familyOf(await readJson(join(dir, 'checkpoint/config.json'), configSchema))
        : undefined,
    tolerance: [Math.min(...allowed), Math.max(...allowed)],
    versions,
  }
}

/** A folder that verification can do nothing with, and why. */
export interface LeftOut {
  readonly name: string
  readonly reason: string
}

/**
 * Sorts the folders of `root`: fixtures that `bifocal verify` can compare, and folders that it
 * can't, because they have no `cases.json`, or are of a kind or family that this version does not
 * know.
 */
export async function fixturesIn(root: string): Promise<{ fixtures: string[]; leftOut: LeftOut[] }> {
  const fixtures: string[] = []
  const leftOut: LeftOut[] = []
  for (const name of await foldersIn(root)) {
    const reason = await unknownIn(join(root, name))
    if (reason === undefined) fixtures.push(name)
    else leftOut.push({ name, reason })
  }
  return { fixtures, leftOut }
}

/** The file that names a fixture's kind. */
function describedIn(dir: string): string | undefined {
  return ['cases.json', 'expected.json'].map((name) => join(dir, name)).find((file) => existsSync(file))
}

/** Why a folder is no fixture that can be verified; `undefined` when it is one. */
async function unknownIn(dir: string): Promise<string | undefined> {
  const file = describedIn(dir)
  if (file === undefined) return 'no cases.json'
  const { kind } = await readJson(file, fixtureSchema.pick({ kind: true }).partial())
  if (kind === undefined) return 'no kind'
  if (!fixtureKinds.some((known) => known === kind)) return `kind ${kind} is not known`
  if (kind !== 'model') return undefined
  const config = await readJson(join(dir, 'checkpoint/config.json'), configSchema)
  return familyOf(config) === undefined
    ? `no family takes model_type ${JSON.stringify(config.model_type)}`
    : undefined
}

async function foldersIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

/** All numbers inside a value, at every depth. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

const printedSchema = z.object({
  expected: z.number(),
  compared: z.number(),
  /** JSON has no infinity, so a stage that differs in kind has `null`. */
  stages: z.array(z.object({ stage: z.string(), worst: z.number().nullable() })),
  failure: z.object({ stage: z.string() }).optional(),
})

/**
 * Verifies one fixture by the command line.
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
  // Two digits are kept: later ones differ from machine to machine.
  const shares = stages.map(({ stage, worst }) => [stage, worst && Number(worst.toPrecision(2))] as const)
  return { expected, compared, stages: Object.fromEntries(shares), failure: failure?.stage }
}
