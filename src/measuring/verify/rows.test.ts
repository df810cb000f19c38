/** @file Rows of a padded batch that repeat other cases. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fixtureCopies, keepCases } from '../../../test/broken-fixture.ts'
import { verifyModel } from './model.ts'

const broken = fixtureCopies()
const listed = z.looseObject({
  cases: z.array(
    z.looseObject({ name: z.string(), items: z.array(z.unknown()), options: z.unknown().optional() }),
  ),
})

/** A fixture whose batch repeats its other cases, each with options of its own. */
function batchOf(rows: string[], side: 'left' | 'right'): string {
  const dir = broken('lavida-llada')
  keepCases(dir, ...new Set(rows))
  const path = join(dir, 'cases.json')
  const fixture = listed.parse(JSON.parse(readFileSync(path, 'utf8')))
  const named = rows.map((name) => fixture.cases.find((at) => at.name === name)!)
  const batch = {
    name: 'batch',
    items: named.flatMap(({ items }) => items),
    padding_side: side,
    expect: { rows },
  }
  writeFileSync(path, JSON.stringify({ ...fixture, cases: [...fixture.cases, batch] }))
  return dir
}

describe('a row takes the options of the case that it names', () => {
  const rows = ['image-vqa-inference-tokens', 'text-mask-readout', 'text-only']

  test.each(['left', 'right'] as const)('dropTokenAfterImage, appendIds; padding at the %s', async (side) => {
    const { failure } = await verifyModel(batchOf(rows, side))
    // The copy still holds the tensors of the cases that were removed.
    expect(failure).toMatchObject({ case: '', stage: 'coverage' })
  })

  test('options of the batch itself do not count', async () => {
    const dir = batchOf(rows, 'right')
    const path = join(dir, 'cases.json')
    const fixture = listed.parse(JSON.parse(readFileSync(path, 'utf8')))
    for (const at of fixture.cases)
      if (at.name === 'batch') at.options = { dropTokenAfterImage: false, appendIds: [391] }
    writeFileSync(path, JSON.stringify(fixture))
    expect((await verifyModel(dir)).failure).toMatchObject({ case: '', stage: 'coverage' })
  })

  test('a row that differs from its case is found', async () => {
    const dir = batchOf(['text-only', 'text-mask-readout'], 'right')
    const path = join(dir, 'cases.json')
    const fixture = listed.parse(JSON.parse(readFileSync(path, 'utf8')))
    for (const at of fixture.cases)
      if (at.name === 'batch') at.expect = { rows: ['text-mask-readout', 'text-mask-readout'] }
    writeFileSync(path, JSON.stringify(fixture))
    expect((await verifyModel(dir)).failure).toMatchObject({ case: 'batch', stage: 'inputs' })
  })

  test('a row that names no case of the fixture is a miss', async () => {
    const dir = batchOf(['text-only'], 'right')
    const path = join(dir, 'cases.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"rows":["text-only"]', '"rows":["text"]'))
    expect((await verifyModel(dir)).failure).toMatchObject({ case: 'batch', stage: 'rows' })
  })
})
