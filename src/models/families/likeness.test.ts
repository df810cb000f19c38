import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeSharedBase } from '../../../test/shared-base.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { counterpartsOf, likenessOf, type Stored } from './likeness.ts'
import { modelOf } from './registry.ts'

let dir = ''
let folders: Awaited<ReturnType<typeof writeSharedBase>>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-likeness-'))
  folders = await writeSharedBase(dir)
}, 120_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function stored(folder: string): Promise<Stored> {
  const checkpoint = await openCheckpoint(folder)
  const model = modelOf(checkpoint.config)
  if (model.kind !== 'vision-language') throw new Error('a vision-language model')
  return { model, checkpoint }
}

test('a copy is the same in every tensor', async () => {
  const copy = join(dir, 'copy')
  cpSync(folders.base, copy, { recursive: true })
  const { decoder, vision } = await likenessOf(await stored(folders.base), await stored(copy))
  for (const part of [decoder, vision]) {
    expect(part.tensors).toBeGreaterThan(10)
    expect(part).toMatchObject({ matched: part.tensors, identical: part.tensors, distance: 0 })
  }
})

test('DiffusionVL: the tower is the same under other names, the decoder is near', async () => {
  const { decoder, vision } = await likenessOf(await stored(folders.base), await stored(folders.diffusionVl))
  expect(vision).toMatchObject({ matched: vision.tensors, identical: vision.tensors, distance: 0 })
  // Biases start as zeros.
  expect(decoder).toMatchObject({ matched: decoder.tensors, identical: 3 })
  // Each number was moved by a normal share of 0.1 of itself.
  expect(decoder.distance).toBeCloseTo(0.1, 2)
})

test('unrelated weights of one shape are √2 apart', async () => {
  const { decoder } = await likenessOf(await stored(folders.base), await stored(folders.unrelated))
  expect(decoder.distance).toBeCloseTo(Math.SQRT2, 1)
})

const slot = (name: string, ...dims: number[]) => ({ name, at: { dims } })

test('counterparts have the same shape and the longest common end; an ambiguous name has none', () => {
  const own = [
    slot('visual.blocks.0.norm.weight', 4),
    slot('visual.blocks.1.norm.weight', 4),
    slot('a.x.weight', 4),
  ]
  const other = [
    slot('tower.blocks.1.norm.weight', 4),
    slot('tower.blocks.0.norm.weight', 4),
    slot('b.x.weight', 4),
    slot('c.x.weight', 4),
    slot('visual.blocks.0.norm.weight', 5),
  ]
  expect([...counterpartsOf(own, other)].map(([name, { name: found }]) => [name, found])).toEqual([
    ['visual.blocks.0.norm.weight', 'tower.blocks.0.norm.weight'],
    ['visual.blocks.1.norm.weight', 'tower.blocks.1.norm.weight'],
  ])
})
