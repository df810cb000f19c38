import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { estimateSeconds } from './estimate.ts'

let root: string
const at = (name: string) => join(root, name)
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-estimate-'))
  await writeRandomTwins(at('tiny'))
  await writeRandomTwins(at('deep'), { hidden: 24, heads: 2, layers: 6, inner: 48, towerLayers: 1 })
}, 120_000)
afterAll(() => rmSync(root, { recursive: true }))

test('counts what an item costs: deeper models more, pictures by their tower', async () => {
  const { items: tiny, machine } = await estimateSeconds(at('tiny/twin-ar'))
  const { items: deep } = await estimateSeconds(at('deep/twin-ar'))
  expect(machine.operations).toBeGreaterThan(machine.elements)
  // 1 tower layer and 2 of the decoder, or 6: of a text all but the embedding is in the layers.
  expect(deep.text!.operations).toBe(3 * tiny.text!.operations)
  const seen = deep.image!.operations - tiny.image!.operations
  expect(tiny.image!.operations).toBeGreaterThan(seen / 2)
  expect(tiny.both!.positions).toBeGreaterThan(Math.max(tiny.text!.positions, tiny.image!.positions))
  for (const { seconds } of Object.values(tiny)) expect(seconds).toBeGreaterThan(0)
})

test('a dual encoder has a cost for each tower', async () => {
  const { items } = await estimateSeconds(at('tiny/tower'))
  expect(items.text?.positions).toBeGreaterThan(0)
  expect(items.image?.positions).toBe(0)
  expect(items.both!.operations).toBeGreaterThan(items.image!.operations)
})
