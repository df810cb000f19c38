/** @file A fixture of a whole model: its cases and expected tensors. */

import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../foundation/files/file.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'

const part = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image') }),
])
const message = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part)]),
})
const rows = z.array(z.array(z.number()))
const stages = z.record(z.string(), z.string())
const tolerances = z
  .record(z.string(), z.union([z.number(), z.record(z.string(), z.number())]))
  .transform((given) => new Map(Object.entries(given).flatMap(flatTolerance)))

/** Flattens `{ norm: 1e-4, causal: { norm: 2e-4 } }` to `norm` and `causal/norm`. */
function flatTolerance([name, value]: [string, number | Record<string, number>]): [string, number][] {
  return typeof value === 'number'
    ? [[name, value]]
    : Object.entries(value).map(([stage, number]) => [`${name}/${stage}`, number])
}

const caseSchema = z.object({
  name: z.string(),
  items: z
    .array(
      z.object({ prompt: z.string(), images: z.array(z.string()), messages: z.array(message).optional() }),
    )
    .min(1),
  padding_side: z.enum(['left', 'right']).nullish(),
  options: z
    .object({
      dropTokenAfterImage: z.boolean().optional(),
      appendIds: z.array(z.number()).optional(),
      instruction: z.string().optional(),
    })
    .optional(),
  config_overrides: z.record(z.string(), z.unknown()).optional(),
  tolerance: tolerances.optional(),
  expect: z.object({
    input_ids: rows.optional(),
    input_ids_training: rows.optional(),
    input_ids_inference: rows.optional(),
    attention_mask: rows.optional(),
    visual_spans: z.array(rows).optional(),
    rows: z.array(z.string()).optional(),
    unmasked: z.string().nullish(),
    image_sizes: rows.optional(),
    image_grid_thw: rows.optional(),
    position_ids: z.array(rows).optional(),
    image_codes: rows.optional(),
    image_transform: z.string().optional(),
    stages: stages.default({}),
    causal: stages.default({}),
    bidirectional: stages.default({}),
  }),
})

const fixtureSchema = z.looseObject({
  kind: z.literal('model'),
  family: z.string(),
  tolerance: tolerances,
  image_tokenizer: z.string().optional(),
  cases: z.array(caseSchema),
})

export type ModelCase = z.infer<typeof caseSchema>

export interface ModelFixture {
  readonly dir: string
  readonly cases: readonly ModelCase[]
  /** Folder of the second checkpoint, where the fixture has one. */
  readonly companion: string | undefined
  /** cases.json as it is, for parts that only some families have. */
  readonly json: Readonly<Record<string, unknown>>
  /** Expected tensors by name. */
  readonly expected: ReadonlyMap<string, Tensor>
  /**
   * Largest allowed absolute difference at a stage of a case; `causal/…` and `bidirectional/…` for
   * the stages under these masks.
   */
  tolerance(at: ModelCase, stage: string): number
}

/** @throws FileError, CheckpointError when the folder is no fixture of kind `model` */
export async function readModelFixture(dir: string): Promise<ModelFixture> {
  const json = await readJson(join(dir, 'cases.json'), fixtureSchema)
  const expected = await loadSafetensors(join(dir, 'expected.safetensors'))
  return {
    dir,
    cases: json.cases,
    companion: json.image_tokenizer && join(dir, json.image_tokenizer),
    json,
    expected,
    tolerance: (at, stage) => {
      const [, mask, inner] = /^(causal|bidirectional)\/(.*)$/.exec(stage) ?? []
      return (
        at.tolerance?.get(stage) ??
        json.tolerance.get(stage) ??
        json.tolerance.get(mask ?? stage) ??
        json.tolerance.get(inner ?? stage) ??
        0
      )
    },
  }
}
