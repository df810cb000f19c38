/**
 * @file Sequences and image rows that several states of a decoder share: each item prepared once,
 * each picture seen once, rows the same in any company.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { keyed, type Picture } from '../../inputs/data/item.ts'
import { decodeImage } from '../../inputs/media/decode.ts'
import { readModelFixture } from '../../measuring/verify/model-fixture.ts'
import { PictureRows } from './picture-rows.ts'
import { SequenceInputs } from './sequence-inputs.ts'
import { EmbedderSessions } from './sessions.ts'
import { openSubject } from './subject.ts'

let dir = ''
let folder = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-inputs-'))
  folder = (await writeRandomTwins(dir)).ar
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function open(options: { remember?: boolean; rowBytes?: number } = {}) {
  const { model, encoder } = await openSubject(folder, { threads: 1 })
  if (model.kind === 'dual-encoder') return expect.unreachable()
  return await SequenceInputs.open(model, { ...encoder, ...options })
}

/** Counts how often its pixels are asked for. */
class Counted implements Picture {
  readonly key: string
  reads = 0

  constructor(seed: number) {
    this.key = `picture ${seed}`
    const random = stream(seed)
    this.#data = Uint8Array.from({ length: 48 * 48 * 3 }, () => random() * 256)
  }

  readonly #data: Uint8Array

  read() {
    this.reads += 1
    return { width: 48, height: 48, data: this.#data }
  }
}

const shown = (image: Picture) => keyed({ instruction: 'What is it?', image })

test('image rows do not depend on batch mates, to the bit: a resumed run computes them in other batches', async () => {
  const [alone, among] = await Promise.all([open(), open()])
  const rowsOf = async (inputs: SequenceInputs, seeds: number[]) => {
    const batch = await Promise.all(seeds.map((seed) => inputs.prepare(shown(new Counted(seed)))))
    const table = await inputs.table(batch)
    const own = table.index(batch[0]!).filter((row) => row >= 0)
    const [, width = 0] = table.rows.dims
    return own.flatMap((row) => Array.from(table.rows.data.subarray(row * width, (row + 1) * width)))
  }
  expect(await rowsOf(alone, [3])).toEqual(await rowsOf(among, [3, 1, 2, 4, 5, 6, 7]))
  await Promise.all([alone.close(), among.close()])
})

describe('remembered items', () => {
  test('are prepared once, and a picture is read once', async () => {
    const inputs = await open({ remember: true })
    const picture = new Counted(1)
    const item = shown(picture)
    const first = await inputs.prepare(item)
    const before = await inputs.table([first])
    const again = await inputs.prepare(item)
    expect(again.item.views).toEqual([])
    expect(again.bytes).toBe(first.bytes)
    const after = await inputs.table([again])
    expect(picture.reads).toBe(1)
    expect(after.rows.data).toEqual(before.rows.data)
    await inputs.close()
  })

  test('whose rows had to make room are read again, to the same rows', async () => {
    const inputs = await open({ remember: true, rowBytes: 1 })
    const picture = new Counted(1)
    const item = shown(picture)
    const sequence = await inputs.prepare(item)
    const before = await inputs.table([sequence])
    const again = await inputs.prepare(item)
    const after = await inputs.table([again])
    expect(picture.reads).toBe(2)
    expect(after.rows.data).toEqual(before.rows.data)
    await inputs.close()
  })
})

/**
 * Views of any number, newlines of a shared row or within the tower's own packing, pictures of
 * several sizes in one table.
 */
const fixtures = ['llava-next', 'llava-onevision', 'idefics3', 'qwen2-vl']
test.skipIf(!fixtures.every((name) => hasGolden(name))).each(fixtures)(
  '%s: the table of several pictures holds the rows that the reference splices in',
  async (name) => {
    const { cases, expected } = await readModelFixture(goldenDir(name))
    const { model, encoder } = await openSubject(join(goldenDir(name), 'checkpoint'), { threads: 1 })
    if (model.kind === 'dual-encoder') return expect.unreachable()
    const sessions = new EmbedderSessions(encoder)
    const pictures = new PictureRows(model, sessions)
    const processor = await model.processor(encoder.checkpoint.dir)
    const pictured = cases.filter(({ items }) => items.length === 1 && items[0]!.images.length === 1)
    const different = await Promise.all(
      pictured.map(async ({ items: [item], name: pictureKey, expect: { stages } }) => {
        const picture = await decodeImage(join(goldenDir(name), 'images', item!.images[0]!))
        const inputs = toF32(expected.get(stages.inputs!)!)
        return { pictureKey, inputs, item: processor.prepare(item!.prompt, [picture]) }
      }),
    )
    // A reduced fixture may have one such case: its picture comes again under another key.
    const batch = [...different, ...different.slice(0, 1).map((one) => ({ ...one, pictureKey: 'again' }))]
    const table = await pictures.table(batch)
    await sessions.close()
    const { hidden } = model.shape
    const [, width = 0] = table.rows.dims
    expect(batch.length).toBeGreaterThan(1)
    for (const one of batch) {
      const places = table.index(one).flatMap((row, place) => (row < 0 ? [] : [{ row, place }]))
      const got = places.flatMap(({ row }) =>
        Array.from(table.rows.data.subarray(row * width, row * width + hidden)),
      )
      const wanted = places.flatMap(({ place }) =>
        Array.from(one.inputs.data.subarray(place * hidden, (place + 1) * hidden)),
      )
      expect(places.length).toBeGreaterThan(0)
      expect(Float32Array.from(got)).toBeAllClose(Float32Array.from(wanted), { atol: 2e-5 })
    }
  },
)
