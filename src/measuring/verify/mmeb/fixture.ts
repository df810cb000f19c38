/** @file The fixture of an evaluation: what it is made of, and every value that it expects. */

import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../../foundation/files/file.ts'
import { type PresetName, presetNames } from '../../../models/embedder/presets.ts'
import { VerifyError } from '../errors.ts'

const number = z.number()
const numbers = z.array(number)
const texts = z.array(z.string())

const subset = z.looseObject({
  rows: z.int().optional(),
  jpeg_rows: z.array(z.int()).optional(),
  prompts: z.record(z.string(), z.object({ queries: texts, candidates: texts })).optional(),
  scores: z.array(numbers),
  mean: z.record(z.string(), number),
  stray: z
    .partialRecord(z.enum(['drop', 'keep', 'token-only']), z.looseObject({ prompts: texts }))
    .optional(),
})

const split = z.looseObject({ prompts: z.record(z.string(), z.array(z.unknown())) })

const schema = z.looseObject({
  kind: z.literal('bench-mmeb'),
  checkpoint: z.string(),
  tolerance: z.object({ vector: number, cosine: number, cosine_jpeg: number, metric: number }),
  presets: z.record(
    z.string(),
    z.looseObject({
      folder: z.string(),
      subsets: z.record(z.string(), subset),
      averages: z.record(z.string(), z.record(z.string(), z.union([texts, number]))).optional(),
    }),
  ),
  eval_v2: texts.optional(),
  eval_zip: texts.optional(),
  train: z.record(z.string(), z.looseObject({ splits: z.record(z.string(), split) })).optional(),
})

export type MmebFixture = z.output<typeof schema>

const report = z.looseObject({ row: z.int().nullable(), kind: z.string() })
const damagedCase = z.object({
  name: z.string(),
  dataset: z.string(),
  report: z.array(report),
  rows_in_file: z.int().optional(),
  usable: z.array(z.int()),
  accept: z.string().optional(),
  expect: z.record(z.string(), z.object({ prediction: z.int(), scores: numbers })),
})
const damagedSchema = z.looseObject({ preset: z.string(), cases: z.array(damagedCase) })

export type DamagedCase = z.output<typeof damagedCase>
export type Damaged = z.output<typeof damagedSchema>

/** @throws FileError `file/missing`, `file/schema` */
export async function readMmebFixture(dir: string): Promise<MmebFixture> {
  return await readJson(join(dir, 'expected.json'), schema)
}

/** The damaged folders of a fixture. @throws FileError `file/missing`, `file/schema` */
export async function readDamaged(dir: string): Promise<Damaged> {
  return await readJson(join(dir, 'damaged.json'), damagedSchema)
}

/** @throws VerifyError `verify/fixture` for a name that no preset has */
export function presetNamed(name: string): PresetName {
  const found = presetNames.find((preset) => preset === name)
  if (found !== undefined) return found
  throw new VerifyError('fixture', {
    message: `the fixture expects values of the preset ${name}, which is none of ${presetNames.join(', ')}`,
    hint: 'Is the fixture newer than this version?',
  })
}

/** Keys that say how a fixture was made, and expect nothing. */
const NOTES = [
  'format',
  'kind',
  'checkpoint',
  'preset',
  'versions',
  'tolerance',
  'least_margin',
  'least_margin_after_jpeg',
  'jpeg_move',
  'longest_sequence',
  'folder',
]

/** Every value of expected.json that is compared, by its path: a list, or a value that is none. */
export function expectations(json: unknown, path: readonly string[] = []): Map<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return new Map([[path.join('/'), json]])
  return new Map(
    Object.entries(json)
      .filter(([key]) => !NOTES.includes(key))
      .flatMap(([key, value]) => [...expectations(value, [...path, key])]),
  )
}
