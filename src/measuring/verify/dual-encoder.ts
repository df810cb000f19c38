/** @file One case of a dual encoder's fixture: pixels or ids, then every stage of the tower. */

import { join } from 'node:path'
import { toF32 } from '../../foundation/numeric/float.ts'
import { blockOf, joined, rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { decodeImage } from '../../inputs/media/decode.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import { layerStage } from '../../models/embedder/readout.ts'
import type { DualEncoderProcessor } from '../../models/families/family.ts'
import type { DualEncoderModel } from '../../models/families/model.ts'
import type { ModelCase, ModelFixture } from './model-fixture.ts'
import type { ModelSessions } from './model-sessions.ts'

interface Subject {
  fixture: ModelFixture
  model: DualEncoderModel
  processor: DualEncoderProcessor
  sessions: ModelSessions
  recorder: VerifyRecorder
}

/**
 * Verifies one case: its pictures go through the image tower, its prompts through the text tower.
 */
export async function verifyDualEncoderCase(
  at: ModelCase,
  { fixture, model, processor, sessions, recorder }: Subject,
): Promise<void> {
  const compare = (stage: string, got: Tensor | undefined, part = (x: Tensor) => x) => {
    const key = at.expect.stages[stage]
    const expected = key === undefined ? undefined : fixture.expected.get(key)
    if (key === undefined) return
    if (expected === undefined)
      recorder.check({ case: at.name, stage, key }, false, `the fixture has no tensor ${key}`)
    else
      recorder.compare(
        { case: at.name, stage, key },
        got && part(got),
        part(expected),
        fixture.tolerance(at, stage),
      )
  }
  const pictures = at.items.flatMap(({ images }) =>
    images.map((name) => decodeImage(join(fixture.dir, 'images', name))),
  )
  const views = (await Promise.all(pictures)).map((picture) => processor.pixels(picture))
  const pixels = joined(views.map((view) => f32([1, ...view.dims], view.data)))
  if (pixels !== undefined) {
    compare('pixel_values', pixels)
    const results = await (await sessions.imageTower(model)).run({ pixel_values: pixels })
    for (const stage of ['vision', 'image_embeds']) compare(stage, results[stage])
  }
  const wanted = at.expect.input_ids
  if (wanted === undefined) return
  const ids = at.items.map(({ prompt }) => processor.ids(prompt))
  const results = await (await sessions.textTower(model)).run({
    input_ids: i64([ids.length, model.shape.textLength], ids.flat()),
  })
  const layers = Array.from({ length: model.shape.textLayers }, (_, i) => layerStage(i))
  for (const [i, row] of wanted.entries()) {
    // These towers pad on the right. The fixture of a causal tower may leave the padding out.
    const found = ids[i]!.slice(0, row.length)
    recorder.check(
      { case: at.name, stage: 'input_ids' },
      found.join() === row.join(),
      `got [${found}], expected [${row}]`,
    )
    const length = at.expect.attention_mask?.[i]?.filter((real) => real === 1).length ?? row.length
    for (const stage of [...layers, 'norm'])
      compare(stage, results[stage], (x) => rangeOf(blockOf(toF32(x), i), 0, length))
  }
  compare('text_embeds', results.text_embeds)
}
