import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { decodeImage } from '../../inputs/media/decode.ts'
import { readModelFixture } from '../../measuring/verify/model-fixture.ts'
import { pictureFeatures } from './features.ts'
import { openSubject } from './subject.ts'

/**
 * Views of any number, newlines of a shared row or within the tower's own packing, pictures of
 * several sizes in one table.
 */
const fixtures = ['llava-next', 'llava-onevision', 'idefics3']
test.each(fixtures)('%s: the table of several pictures holds what the reference splices in', async (name) => {
  const { cases, expected } = await readModelFixture(goldenDir(name))
  const subject = await openSubject({ id: name, dir: join(goldenDir(name), 'checkpoint') })
  const features = await pictureFeatures(subject, 1)
  const pictured = cases.filter(({ items }) => items.length === 1 && items[0]!.images.length === 1)
  const prepared = await Promise.all(
    pictured.map(async ({ items: [item], name: key, expect: { stages } }) => {
      const picture = await decodeImage(join(goldenDir(name), 'images', item!.images[0]!))
      return {
        key,
        inputs: toF32(expected.get(stages.inputs!)!),
        ...subject.processor.prepare(item!.prompt, [picture]),
      }
    }),
  )
  await features.add(prepared)
  const table = features.table(prepared.map(({ key }) => key))
  await features.close()
  const { hidden } = subject.model.shape
  expect(prepared.length).toBeGreaterThan(0)
  for (const { key, inputs, imageIndex } of prepared) {
    const places = imageIndex.flatMap((own, place) => (own < 0 ? [] : [{ own, place }]))
    const got = places.flatMap(({ own }) => {
      const row = table.rowOf(key, own)
      return Array.from(table.rows.data.subarray(row * hidden, (row + 1) * hidden))
    })
    const wanted = places.flatMap(({ place }) =>
      Array.from(inputs.data.subarray(place * hidden, (place + 1) * hidden)),
    )
    expect(Float32Array.from(got)).toBeAllClose(Float32Array.from(wanted), { atol: 2e-5 })
  }
})
