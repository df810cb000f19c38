import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomDiscreteTwin, writeRandomTwins } from '../../../../test/random-twins.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { openSubject } from '../../../models/embedder/subject.ts'
import { tunableModel } from '../tunable.ts'
import { writeTrained } from '../tuned-folder.ts'
import { ofRows, trainedPicturePath } from './picture-path.ts'

let root = ''
let folders: { ar: string; diffusion: string }
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-picture-path-'))
  folders = await writeRandomTwins(root)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const opened = async (dir: string) => tunableModel(await openSubject(dir, { threads: 1, preset: 'none' }))

describe('what is trained', () => {
  test('of features: both matrices and biases of the projector, and nothing of tower or decoder', async () => {
    const path = async (dir: string) => await trainedPicturePath(await opened(dir), { firstCode: 0 })
    const llava = await path(folders.ar)
    expect(Object.keys(llava.parameters).sort()).toEqual([
      'multi_modal_projector.linear_1.bias',
      'multi_modal_projector.linear_1.weight',
      'multi_modal_projector.linear_2.bias',
      'multi_modal_projector.linear_2.weight',
    ])
    expect(llava.rows).toBeUndefined()
    const lavida = await path(folders.diffusion)
    expect(Object.keys(lavida.parameters)).toHaveLength(4)
    expect(Object.keys(lavida.parameters).every((name) => name.includes('mm_projector'))).toBe(true)
  })

  test('of codes: the rows of the table that codes look up', async () => {
    const dir = await writeRandomDiscreteTwin(root, folders.ar)
    const model = await opened(dir)
    const firstCode = model.model.shape.vocabulary - 64
    const trained = await trainedPicturePath(model, { firstCode })
    const [[name, rows] = ['', undefined], ...others] = Object.entries(trained.rows ?? {})
    expect(others).toEqual([])
    expect(rows).toEqual({ first: firstCode, count: 64 })
    expect(Object.keys(trained.parameters)).toEqual([name])
    // Written, it opens again: its image tokenizer lies within.
    const changed = trained.parameters[name]!.data
    changed[changed.length - 1]! = 2
    const written = join(root, 'written')
    await writeTrained(written, { model, trained })
    const again = await opened(written)
    expect((await again.weights.read(name)).data.at(-1)).toBe(2)
  })
})

test('gradients of other rows are dropped; those of other parameters stay', async () => {
  const gradients = { table: f32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), bias: f32([2], [9, 9]) }
  const step = ofRows({ table: { first: 1, count: 2 } }, async () => ({ loss: 1, metrics: {}, gradients }))
  const masked = await step({ step: 0 })
  expect([...masked.gradients.table!.data]).toEqual([0, 0, 3, 4, 5, 6, 0, 0])
  expect(masked.gradients.bias).toBe(gradients.bias)
  // The step's own arrays stay as they are.
  expect([...gradients.table.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})
