/** @file The pictures of a vision-language case: pixels, tower, projector, codes. */

import { toF32 } from '../../foundation/numeric/float.ts'
import { joined, rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import { rowWidth } from '../../models/families/decoder-inputs.ts'
import type { PreparedItem } from '../../models/families/family.ts'
import type { ModelCase } from './model-fixture.ts'
import { compareOne, realOnes, type VisionLanguageSubject } from './vision-language-subject.ts'

/**
 * Compares the codes of pictures that become ids, which must match exactly, and the sequences that
 * hold them. Both are known only after the tower.
 */
export function compareCodes(
  at: ModelCase,
  prepared: readonly PreparedItem[],
  rows: readonly Tensor<'f32'>[],
  { model, recorder }: VisionLanguageSubject,
): void {
  if (model.shape.imageCodes === undefined) return
  const { image_codes: codes, input_ids: ids, attention_mask: keep } = at.expect
  const found = rows.flatMap(({ data }) => [...data])
  if (codes !== undefined)
    recorder.check(
      { case: at.name, stage: 'image_codes' },
      codes.join() === found.join(),
      `got [${found}], expected [${codes.join('; ')}]`,
    )
  for (const [i, { inputIds, imageIndex }] of prepared.entries()) {
    const got = inputIds.map(
      (id, position) => id + (imageIndex[position]! < 0 ? 0 : rows[i]!.data[imageIndex[position]!]!),
    )
    const wanted = realOnes(ids?.[i], keep?.[i])
    if (wanted !== undefined)
      recorder.check(
        { case: at.name, stage: 'input_ids' },
        wanted.join() === got.join(),
        `got [${got}], expected [${wanted}]`,
      )
  }
}

/** Compares every stage of the pictures. @returns each item's table of image rows */
export async function compareVision(
  at: ModelCase,
  prepared: readonly PreparedItem[],
  subject: VisionLanguageSubject,
): Promise<Tensor<'f32'>[]> {
  const { fixture, model, sessions, key } = subject
  const outputs: Record<string, Tensor>[] = []
  const pixels: Tensor<'f32'>[] = []
  const rows: Tensor<'f32'>[] = []
  for (const { views, visionFeeds } of prepared) {
    const own = joined(views.map((view) => f32([1, ...view.dims], view.data)))
    if (own === undefined) {
      rows.push(zeros([0, rowWidth(model.shape)]))
      continue
    }
    // Each view is one token's `[patches, values]`; the reference lists all patches in one axis.
    pixels.push(own.dims.length === 3 ? f32([own.dims[0]! * own.dims[1]!, own.dims[2]!], own.data) : own)
    const results = await (await sessions.vision(key, model)).run({ pixel_values: own, ...visionFeeds })
    rows.push(toF32(results.rows!))
    outputs.push(results)
  }
  const names = Object.keys(outputs[0] ?? {}).filter((name) => name !== 'rows')
  const stages: [string, Tensor<'f32'>[]][] = [
    ['pixel_values', pixels],
    ...names.map((name): [string, Tensor<'f32'>[]] => [
      name,
      outputs.map((results) => toF32(results[name]!)),
    ]),
  ]
  for (const [stage, parts] of stages) {
    const name = at.expect.stages[stage]
    if (name === undefined) continue
    const expected = fixture.expected.get(name)
    const place = { at, tolerance: fixture.tolerance(at, stage), label: stage, name }
    compareOne(
      place,
      joined(parts),
      expected && (stage === 'pixel_values' ? realViews(toF32(expected)) : toF32(expected)),
      subject,
    )
  }
  return rows
}

/**
 * Drops the views of zeros with which the reference pads `[pictures or items, views, channels,
 * height, width]` to the largest number of views. No real view is all zeros, because no level is
 * exactly the mean. Other shapes stay as they are.
 */
function realViews(pixels: Tensor<'f32'>): Tensor<'f32'> {
  if (pixels.dims.length !== 5) return pixels
  const [groups = 0, views = 0, ...view] = pixels.dims
  const all = f32([groups * views, ...view], pixels.data)
  const real = Array.from({ length: groups * views }, (_, i) => rangeOf(all, i, 1)).filter(({ data }) =>
    data.some((value) => value !== 0),
  )
  return joined(real) ?? f32([0, ...view], [])
}
