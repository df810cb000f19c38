/** @file The items of a vision-language case: prompt, ids, positions, spans and picture sizes. */

import { join } from 'node:path'
import { decodeImage } from '../../inputs/media/decode.ts'
import type { PreparedItem } from '../../models/families/family.ts'
import type { ModelCase } from './model-fixture.ts'
import { caseOfItem, realOnes, type VisionLanguageSubject } from './vision-language-subject.ts'

/** Prepares a case's items by the processor and compares everything that it gives. */
export async function prepareItems(
  at: ModelCase,
  { fixture, model, processor, recorder }: VisionLanguageSubject,
): Promise<PreparedItem[]> {
  const prepared: PreparedItem[] = []
  for (const [i, { prompt, images, messages }] of at.items.entries()) {
    const where = (stage: string) => ({ case: at.name, stage })
    if (messages !== undefined) {
      const rendered = processor.render(messages)
      recorder.check(
        where('prompt'),
        rendered === prompt,
        `got ${JSON.stringify(rendered)}, expected ${JSON.stringify(prompt)}`,
      )
    }
    const pictures = await Promise.all(images.map((name) => decodeImage(join(fixture.dir, 'images', name))))
    const own = caseOfItem(at, i, fixture)
    if (own === undefined)
      recorder.check(where('rows'), false, `the fixture has no case ${at.expect.rows?.[i]}`)
    const { instruction = '', appendIds, dropTokenAfterImage = false } = own?.options ?? {}
    const instructionEnd = instruction === '' ? 0 : prompt.indexOf(instruction) + instruction.length
    const imageFit = fitOf(own?.expect.image_transform)
    const item = (drop: boolean) =>
      processor.prepare(prompt, pictures, {
        instructionEnd,
        appendIds,
        truncation: 'reference',
        settings: {
          ...(drop ? { dropTokenAfterImage: true } : {}),
          ...(imageFit === undefined ? {} : { imageFit }),
        },
      })
    const made = item(dropTokenAfterImage)
    prepared.push(made)
    const { expect } = at
    const real = (ids: readonly number[] | undefined) => realOnes(ids, expect.attention_mask?.[i])
    for (const [ids, got] of [
      [model.shape.imageCodes === undefined ? expect.input_ids : undefined, made],
      [expect.input_ids_training, expect.input_ids_training && item(false)],
      [expect.input_ids_inference, expect.input_ids_inference && item(true)],
    ] as const) {
      const [wanted, found] = [real(ids?.[i]), got?.unsplicedIds ?? got?.inputIds]
      if (wanted !== undefined)
        recorder.check(
          where('input_ids'),
          wanted.join() === found?.join(),
          `got [${found}], expected [${wanted}]`,
        )
    }
    const places = expect.position_ids?.map((axis) => real(axis[i]) ?? [])
    if (places !== undefined) {
      const got = made.positions ?? []
      recorder.check(
        where('position_ids'),
        places.join() === got.join(),
        `got [${got.join('; ')}], expected [${places.join('; ')}]`,
      )
    }
    const [spans, found] = [expect.visual_spans?.[i], made.spans.image]
    if (spans !== undefined)
      recorder.check(
        where('visual_spans'),
        spans.join() === found.join(),
        `got [${found}], expected [${spans}]`,
      )
  }
  for (const name of ['image_sizes', 'image_grid_thw'] as const) {
    const [wanted, found] = [at.expect[name], prepared.flatMap(({ reported }) => reported?.[name] ?? [])]
    if (wanted !== undefined)
      recorder.check(
        { case: at.name, stage: name },
        wanted.join() === found.join(),
        `got [${found}], expected [${wanted}]`,
      )
  }
  return prepared
}

/** Reads the way to a square from a fixture's words. */
function fitOf(transform: string | undefined): 'squash' | 'pad' | 'crop' | undefined {
  if (transform === undefined) return undefined
  return (['squash', 'pad'] as const).find((fit) => transform.includes(fit)) ?? 'crop'
}
