/** @file Embedded items of fixtures, against the vectors of the reference. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embedded, row } from '../../../test/embedded.ts'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { readModelFixture } from '../../measuring/verify/model-fixture.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { modelOf } from '../families/registry.ts'
import { defaultContract, writeContract } from './contract.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-fixtures-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/**
 * All items of a fixture with one picture at most, in one call: batches of unequal rows, shared
 * image tables.
 */
describe.each([
  'llava',
  'llava-next',
  'llava-onevision',
  'idefics3',
  'smolvlm',
  'lavida-llada',
  'lavida-dream',
  'qwen2-vl',
  'qwen2.5-vl',
  'qwen3-vl',
])('%s', (name) => {
  test('pooled vectors equal the reference', async () => {
    const { cases, expected } = await readModelFixture(goldenDir(name))
    const dir = join(root, `golden-${name}`)
    const base = join(goldenDir(name), 'checkpoint')
    const plain = defaultContract(modelOf((await openCheckpoint(base)).config))
    await writeContract(dir, { ...plain, base: { path: base }, prompt: { template: '{text}' } })
    const usable = cases.filter(
      ({ items: [item, ...more], options, config_overrides: overrides, expect: { stages }, name: title }) =>
        more.length === 0 &&
        (item?.images.length ?? 9) < 2 &&
        'pool.mean' in stages &&
        !options?.dropTokenAfterImage &&
        options?.appendIds === undefined &&
        overrides === undefined &&
        !title.includes('jpeg'),
    )
    expect(usable.length).toBeGreaterThan(1)
    const readouts = {
      mean: { layer: 'last', norm: 'after', pool: 'mean' },
      last: { layer: 'last', norm: 'after', pool: 'last' },
    } as const
    const made = await embedded(
      dir,
      usable.map(({ items: [item] }) => ({
        text: item!.prompt,
        image: item!.images[0] && join(goldenDir(name), 'images', item!.images[0]),
      })),
      { readouts },
    )
    for (const [
      i,
      {
        expect: { stages },
      },
    ] of usable.entries()) {
      for (const pool of ['mean', 'last'] as const) {
        const key = stages[`pool.${pool}`]
        if (key !== undefined)
          expect(row(made.readouts[pool]!, i)).toBeAllClose(toF32(expected.get(key)!).data, { atol: 3e-5 })
      }
    }
  })
})
