/** @file Pictures of a batch, what their patches show, and drawings in other colours. */

import { describe, expect, test } from 'vitest'
import type { Description } from '../scenes/index.ts'
import { patchContents, recolouringOf } from './pictures.ts'

const scene: Description = {
  kind: 'sizes',
  background: 3,
  style: 0,
  parts: [
    { concept: 7, count: 1 },
    { concept: 9, count: 1, colour: 2 },
  ],
  places: [
    { x: 24, y: 0, size: 48 },
    { x: 0, y: 72, size: 24 },
  ],
}

test('a drawing covers whole patches, row by row', () => {
  const shown = patchContents(scene).map((patch) => patch?.concept ?? 0)
  expect(shown).toEqual([0, 7, 7, 0, 0, 7, 7, 0, 0, 0, 0, 0, 9, 0, 0, 0])
  expect(patchContents(scene)[12]).toEqual({ concept: 9, colour: 2 })
})

describe('recolouring', () => {
  const apply = (matrix: readonly number[], [r, g, b]: readonly [number, number, number]) =>
    [0, 1, 2].map((row) => matrix[3 * row]! * r + matrix[3 * row + 1]! * g + matrix[3 * row + 2]! * b)

  test('no turn and full colourfulness leave colours as they are', () => {
    expect(apply(recolouringOf(0, 1), [200, 30, 90])).toBeAllClose([200, 30, 90], { atol: 1e-9 })
  })

  test('no colourfulness gives the grey of the same lightness', () => {
    const grey = 0.213 * 200 + 0.715 * 30 + 0.072 * 90
    expect(apply(recolouringOf(1, 0), [200, 30, 90])).toBeAllClose([grey, grey, grey], { atol: 1e-9 })
  })

  test('a turn keeps greys and lightness', () => {
    expect(apply(recolouringOf(0.7, 1), [120, 120, 120])).toBeAllClose([120, 120, 120], { atol: 0.1 })
    const [r, g, b] = apply(recolouringOf(0.7, 1), [200, 30, 90])
    expect(0.213 * r! + 0.715 * g! + 0.072 * b!).toBeCloseTo(0.213 * 200 + 0.715 * 30 + 0.072 * 90, 0)
    expect(Math.abs(r! - 200)).toBeGreaterThan(10)
  })
})
